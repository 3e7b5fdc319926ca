"""The Pulumi program: the register in, one resource a person out, or shards of many people.

A project's ``__main__.py`` imports :func:`run` and calls it. The register and the stack's config alone decide
what is declared.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from voiceid_optout import speakers
from voiceid_optout.config import Config, ConfigInvalid, Grouping, Guardrails, read
from voiceid_optout.providers import OptedOutSpeaker, OptedOutSpeakers
from voiceid_optout.pulumi_internals import config_texts
from voiceid_optout.register import load
from voiceid_optout.register.faults import RegisterError
from voiceid_optout.speakers import GUESSABLE_VARIABLE, LabelKeys, Person
from voiceid_optout.voiceid import place

if TYPE_CHECKING:
    from types import FrameType

    from voiceid_optout.providers.guardrail_settings import GuardrailSettings
    from voiceid_optout.providers.guardrails import OptOutGuardrails
    from voiceid_optout.speakers import Shard

LAUNCHER = "pulumi-language-python-exec"
BATCH = 100  # resources in flight: the SDK's waiting costs outstanding x completed registrations


def run() -> None:
    """Run the program, under either engine."""
    pulumi.run(_main)


async def _main() -> None:
    """Register all resources in batches; export how many people they are."""
    end_quietly()
    config = read_config()
    if config.guardrails is not Guardrails.OFF:
        # First: where they cannot be, nobody is opted out either.
        guardrails = declare_guardrails(config)
        await guardrails.urn.future()
        pulumi.export("previewRole", guardrails.preview_role_arn)
        pulumi.export("applyRole", guardrails.apply_role_arn)
    if config.guardrails is Guardrails.ONLY:
        return
    require_label_key(config)
    declared = speakers.handed_over()
    if declared is None:
        declared = read_register(config)
    resources = map(declare, declared)
    while batch := list(islice(resources, BATCH)):
        await asyncio.gather(*(resource.urn.future() for resource in batch))
    pulumi.export("people", sum(one.people for one in declared))
    pulumi.export("released", sum(one.released for one in declared))


def read_config() -> Config:
    """Return the running program's config; raises pulumi.RunError with one line for each fault.

    The raw CLI asks nobody else whether the shell leads elsewhere than the stack file.
    """
    texts = config_texts()  # the label key too, for it makes the names
    project = pulumi.get_project()
    try:
        config = read(texts, project)
    except ConfigInvalid as error:
        raise pulumi.RunError(str(error)) from None
    aws = {key: texts[key] for key in place.AWS_KEYS if key in texts}
    stack = place.StackPlace(project, pulumi.get_stack(), config, aws)
    for fault in (*place.file_faults(stack), *place.shell_faults(stack, os.environ)):
        raise pulumi.RunError(fault)
    return config


def require_label_key(config: Config) -> None:
    """Raise pulumi.RunError, which says what to type, where labels could be guessed and nobody allows that."""
    allowed = config.is_sandbox or config.guessable_labels or bool(os.environ.get(GUESSABLE_VARIABLE))
    if config.label_key is None and not allowed:
        raise pulumi.RunError(
            f"{pulumi.get_project()}:labelKey is not set, so whoever sees a label could find out whose it is. For "
            "a new stack: optout config set --secret labelKey --random (or: pulumi config set --secret labelKey "
            '"$(openssl rand -hex 32)"). For a stack that has run without: optout labels rotate, or '
            "pulumi config set guessableLabels true to keep its labels"
        )


def read_register(config: Config) -> tuple[Person, ...] | tuple[Shard, ...]:
    """Load the register; a fault in it ends the program with one line each and no traceback.

    Shards without people are not there: an empty one would stand for nothing, and the few people of a small domain
    need few resources. When the last of a shard leaves, a resource goes, which, as always, calls nobody.
    """
    try:
        register = load(Path(config.register), domains=config.domains, default_domain=config.domain)
    except RegisterError as error:
        raise pulumi.RunError(str(error)) from None
    keys = LabelKeys(config.label_key, config.previous_label_key)
    if config.grouping is Grouping.SINGLE:
        return keys.people(register.entries)
    return tuple(shard for shard, _ in speakers.sharded(register.entries, keys, config.shards))


def declare(one: Person | Shard) -> pulumi.CustomResource:
    """Declare a resource; its name identifies nobody."""
    if isinstance(one, Person):
        # Under the label of before it is the same resource: nothing is created, so nobody is called.
        aliases = [pulumi.Alias(name=one.previous_label)] if one.previous_label else []
        return OptedOutSpeaker(
            one.label,
            domain_id=one.domain_id,
            speaker_id=one.speaker_id,
            ensure=one.ensure,
            opts=pulumi.ResourceOptions(aliases=aliases) if aliases else None,
        )
    return OptedOutSpeakers(
        one.name,
        domain_id=one.domain_id,
        members=one.members,
        speaker_ids=one.speaker_ids,
        digits=one.digits if len(one.digits) > min(speakers.SHARDS.values()) else None,
    )


def declare_guardrails(config: Config) -> OptOutGuardrails:
    """Declare them; raises pulumi.RunError for a setting that cannot be used, or without the AWS provider."""
    settings = guardrail_settings(config)
    # Only here, and after the settings are known to be good: the package takes its time to load.
    from voiceid_optout.providers.guardrails import OptOutGuardrails  # noqa: PLC0415

    return OptOutGuardrails("guardrails", settings)


def guardrail_settings(config: Config) -> GuardrailSettings:
    """Read their settings for the domains of the stack's config; raises pulumi.RunError with one line."""
    # Only here: few stacks have guardrails.
    from voiceid_optout.providers.guardrail_settings import GuardrailSettings, GuardrailsInvalid  # noqa: PLC0415

    aws = pulumi.Config("aws").get("region")
    region = config.region or aws
    if aws not in {None, region}:
        raise pulumi.RunError("aws:region and voiceid-optout:region differ: guardrails are where the domain is")
    domains = {*config.domains.values(), *([config.domain] if config.domain else [])}
    given = config.guardrail_settings
    try:
        return GuardrailSettings.parse(given, stack=pulumi.get_stack(), region=region, domains=domains)
    except GuardrailsInvalid as error:
        raise pulumi.RunError(str(error)) from None


def end_quietly() -> None:
    """End without a word when interrupted; only under the official launcher, whose process is ours to end.

    When a resource fails, the engine interrupts the program, which by then only waits. The SDK's launcher answers
    with two tracebacks that bury the one message that counts.
    """
    main = getattr(sys.modules["__main__"], "__file__", None)
    if main is not None and Path(main).name == LAUNCHER:
        signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(1)
