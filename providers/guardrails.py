"""The name under which a Pulumi program may import the guardrails; needs the extra ``aws``."""

from voiceid_optout.providers.guardrail_settings import GuardrailSettings
from voiceid_optout.providers.guardrails import OptOutGuardrails

__all__ = ["GuardrailSettings", "OptOutGuardrails"]
