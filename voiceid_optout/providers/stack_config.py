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

    ``default_domain`` is a domain id. Without ``label_key`` each domain's id takes its place.
    """

    register: Path
    domains: Mapping[str, str]
    default_domain: str | None
    label_key: str | None = field(repr=False)
    grouping: Grouping = Grouping.SINGLE
    guardrails: Guardrails = Guardrails.OFF

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
        )

    def key(self, domain_id: str) -> str:
        """Return the key for labels in a domain."""
        return self.label_key or domain_id


def _require_place(config: pulumi.Config) -> None:
    names = {key: config.full_key(key) for key in place.KEYS} | {key: key for key in place.AWS_KEYS}
    texts = {key: text for key, name in names.items() if (text := get_config(name))}
    stack = place.Stack(pulumi.get_project(), pulumi.get_stack(), texts)
    for fault in (*place.file_faults(stack), *place.shell_faults(stack, os.environ)):
        raise pulumi.RunError(fault)
