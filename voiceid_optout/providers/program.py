"""What the Pulumi program does: it reads the stack's config, declares people and guardrails, and ends quietly."""

from __future__ import annotations

import os
import signal
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pulumi
from pulumi.runtime import config as runtime
from pulumi.runtime import get_config

from voiceid_optout import speakers
from voiceid_optout.config import faults
from voiceid_optout.providers.resource import OptedOutSpeaker, OptedOutSpeakers
from voiceid_optout.speakers import DOMAIN_IS_KEY, GUESSABLE_VARIABLE
from voiceid_optout.voiceid import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import FrameType

    from voiceid_optout.providers.guardrail_settings import GuardrailSettings
    from voiceid_optout.providers.guardrails import OptOutGuardrails

DEFAULT_REGISTER = "config"
LAUNCHER = "pulumi-language-python-exec"


class Grouping(StrEnum):
    """How people become resources: one each, or many in one of a fixed number of shards."""

    SINGLE = "single"
    SHARDED = "sharded"


class Guardrails(StrEnum):
    """Whether the stack holds the guardrails: not, beside the people, or nothing else."""

    OFF = "false"
    ON = "true"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class StackConfig:
    """Where the register is and what its domains are called.

    ``default_domain`` is a domain id. Without ``label_key`` each domain's id takes its place, which only a sandbox
    and a stack that has run so before may do. ``previous_label_key`` is there while the labels change their key.
    """

    register: Path
    domains: Mapping[str, str]
    default_domain: str | None
    label_key: str | None = field(repr=False)
    grouping: Grouping = Grouping.SINGLE
    guardrails: Guardrails = Guardrails.OFF
    previous_label_key: str | None = field(default=None, repr=False)
    may_be_guessable: bool = False

    @classmethod
    def read(cls) -> Self:
        """Read the running program's config; raises pulumi.RunError with one line for each fault.

        The raw CLI asks nobody else whether the shell leads elsewhere than the stack's file.
        """
        config = pulumi.Config()
        if found := list(faults({**runtime.get_config_env(), **runtime.CONFIG.get()}, pulumi.get_project())):
            raise pulumi.RunError("\n".join(found))
        _require_place(config)
        domains = config.get_object("domains") or {}
        domain = config.get("domain")
        return cls(
            register=Path(config.get("register") or DEFAULT_REGISTER),
            domains=domains,
            default_domain=domains.get(domain, domain) if domain else None,
            # not Config.get, which warns about a secret: it is needed as text, for it makes the names
            label_key=get_config(config.full_key("labelKey")) or None,
            grouping=Grouping(config.get("grouping") or Grouping.SINGLE),
            guardrails=Guardrails(config.get("guardrails") or Guardrails.OFF),
            previous_label_key=get_config(config.full_key("previousLabelKey")) or None,
            may_be_guessable=(
                config.get("service") == "embedded"
                or (config.get("guessableLabels") or "").lower() == "true"
                or bool(os.environ.get(GUESSABLE_VARIABLE))
            ),
        )

    def require_label_key(self, prefix: str) -> None:
        """Raise pulumi.RunError, which says what to type, where labels could be guessed and nobody allows that."""
        if self.label_key is None and not self.may_be_guessable:
            raise pulumi.RunError(
                f"{prefix}:labelKey is not set, so whoever sees a label could find out whose it is. For a new "
                "stack: optout config set --secret labelKey --random (or: pulumi config set --secret labelKey "
                '"$(openssl rand -hex 32)"). For a stack that has run without: optout labels rotate, or '
                "pulumi config set guessableLabels true to keep its labels"
            )

    def previous_key(self, domain_id: str) -> str | None:
        """Return the key that labels in a domain had before, or None where they do not change their key."""
        return domain_id if self.previous_label_key == DOMAIN_IS_KEY else self.previous_label_key

    def key(self, domain_id: str) -> str:
        """Return the key for labels in a domain."""
        return self.label_key or domain_id


def _require_place(config: pulumi.Config) -> None:
    names = {key: config.full_key(key) for key in place.KEYS} | {key: key for key in place.AWS_KEYS}
    texts = {key: text for key, name in names.items() if (text := get_config(name))}
    stack = place.Stack(pulumi.get_project(), pulumi.get_stack(), texts)
    for fault in (*place.file_faults(stack), *place.shell_faults(stack, os.environ)):
        raise pulumi.RunError(fault)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to be opted out or released, and the label that stands for them.

    ``previous_label`` is there while the labels change their key.
    """

    label: str
    domain_id: str
    speaker_id: str = field(repr=False)
    ensure: str
    previous_label: str | None = None


def declare_people(people: Iterable[Person], grouping: Grouping) -> Iterator[pulumi.CustomResource]:
    """Declare the resources one by one, as they are asked for; their names identify nobody.

    Shards without people are not declared: an empty one would stand for nothing, and the few people of a small
    domain need few resources. When the last of a shard leaves, a resource goes, which, as always, calls nobody.
    """
    if grouping is Grouping.SINGLE:
        for one in people:
            # Under the label of before it is the same resource: nothing is created, so nobody is called.
            aliases = [pulumi.Alias(name=one.previous_label)] if one.previous_label else []
            yield OptedOutSpeaker(
                one.label,
                domain_id=one.domain_id,
                speaker_id=one.speaker_id,
                ensure=one.ensure,
                opts=pulumi.ResourceOptions(aliases=aliases) if aliases else None,
            )
        return
    shards: defaultdict[tuple[str, str], list[Person]] = defaultdict(list)
    for one in people:
        shards[one.domain_id, speakers.shard_of(one.label)].append(one)
    for (domain_id, digits), members in sorted(shards.items()):
        yield OptedOutSpeakers(
            f"{domain_id}-{digits}",
            domain_id=domain_id,
            members=speakers.shard_text({one.label: one.ensure for one in members}),
            speaker_ids=speakers.shard_text({one.label: one.speaker_id for one in members}),
        )


def declare_guardrails(config: StackConfig) -> OptOutGuardrails:
    """Declare them; raises pulumi.RunError for a setting that cannot be used, or without the AWS provider."""
    settings = guardrail_settings(config)
    # Only here, and after the settings are known to be good: the package takes its time to load.
    from voiceid_optout.providers.guardrails import OptOutGuardrails  # noqa: PLC0415

    return OptOutGuardrails("guardrails", settings)


def guardrail_settings(config: StackConfig) -> GuardrailSettings:
    """Read their settings for the domains of the stack's config; raises pulumi.RunError with one line."""
    from voiceid_optout.providers.guardrail_settings import (  # noqa: PLC0415 - few stacks have guardrails
        KEY,
        GuardrailSettings,
        GuardrailsInvalid,
    )

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
