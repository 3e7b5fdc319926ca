"""Pulumi resources of the register: OptedOutSpeaker, OptedOutSpeakers and, with the extra aws, OptOutGuardrails."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from voiceid_optout.providers.resource import OptedOutSpeaker, OptedOutSpeakers

if TYPE_CHECKING:
    from voiceid_optout.providers.guardrail_settings import GuardrailSettings
    from voiceid_optout.providers.guardrails import OptOutGuardrails

__all__ = ["GuardrailSettings", "OptOutGuardrails", "OptedOutSpeaker", "OptedOutSpeakers"]

# Few programs have guardrails, and their package is in an extra.
_ON_FIRST_USE = {"GuardrailSettings": "guardrail_settings", "OptOutGuardrails": "guardrails"}


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ON_FIRST_USE[name]}"), name)
