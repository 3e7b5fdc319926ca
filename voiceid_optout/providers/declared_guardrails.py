"""From the stack's config to the guardrails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from voiceid_optout.providers.guardrail_settings import KEY, GuardrailSettings, GuardrailsInvalid

if TYPE_CHECKING:
    from voiceid_optout.providers.guardrails import OptOutGuardrails
    from voiceid_optout.providers.stack_config import StackConfig


def declare(config: StackConfig) -> OptOutGuardrails:
    """Declare them; raises pulumi.RunError for a setting that cannot be used, or without the AWS provider."""
    settings = read(config)
    # Only here, and after the settings are known to be good: the package takes its time to load.
    from voiceid_optout.providers.guardrails import OptOutGuardrails  # noqa: PLC0415

    return OptOutGuardrails("guardrails", settings)


def read(config: StackConfig) -> GuardrailSettings:
    """Read their settings for the domains of the stack's config; raises pulumi.RunError with one line."""
    ours, aws = pulumi.Config(), pulumi.Config("aws")
    region = ours.get("region") or aws.get("region")
    if aws.get("region") not in {None, region}:
        raise pulumi.RunError("aws:region and voiceid-optout:region differ: guardrails are where the domain is")
    key = KEY.partition(":")[2]
    try:
        given = ours.get_object(key)
    except pulumi.ConfigTypeError:
        given = None
    domains = {*config.domains.values(), *([config.default_domain] if config.default_domain else [])}
    try:
        return GuardrailSettings.parse(given, stack=pulumi.get_stack(), region=region, domains=domains)
    except GuardrailsInvalid as error:
        raise pulumi.RunError(str(error)) from None
