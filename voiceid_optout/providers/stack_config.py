"""The stack's config as the program needs it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self

import pulumi
from pulumi.runtime import config as runtime
from pulumi.runtime import get_config

from voiceid_optout import place
from voiceid_optout.config import faults
from voiceid_optout.label import DOMAIN_ID, GUESSABLE_VARIABLE

DEFAULT_REGISTER = "config"


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
        return domain_id if self.previous_label_key == DOMAIN_ID else self.previous_label_key

    def key(self, domain_id: str) -> str:
        """Return the key for labels in a domain."""
        return self.label_key or domain_id


def _require_place(config: pulumi.Config) -> None:
    names = {key: config.full_key(key) for key in place.KEYS} | {key: key for key in place.AWS_KEYS}
    texts = {key: text for key, name in names.items() if (text := get_config(name))}
    stack = place.Stack(pulumi.get_project(), pulumi.get_stack(), texts)
    for fault in (*place.file_faults(stack), *place.shell_faults(stack, os.environ)):
        raise pulumi.RunError(fault)
