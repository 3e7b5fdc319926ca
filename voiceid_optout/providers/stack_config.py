"""The stack's config as the program needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Self, TypeVar

import pulumi
from pulumi.runtime import get_config

DEFAULT_REGISTER = "config"

_Choice = TypeVar("_Choice", bound=StrEnum)


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
        """Read the running program's config; raises pulumi.RunError with one line for each fault."""
        config = pulumi.Config()
        domains = _domains(config)
        domain = config.get("domain")
        return cls(
            register=Path(config.get("register") or DEFAULT_REGISTER),
            domains=domains,
            default_domain=domains.get(domain, domain) if domain else None,
            # not Config.get, which warns about a secret: it is needed as text, for it makes the names
            label_key=get_config(config.full_key("labelKey")) or None,
            grouping=_choice(config, "grouping", Grouping.SINGLE),
            guardrails=_choice(config, "guardrails", Guardrails.OFF),
        )

    def key(self, domain_id: str) -> str:
        """Return the key for labels in a domain."""
        return self.label_key or domain_id


def _domains(config: pulumi.Config) -> dict[str, str]:
    fault = f"{config.full_key('domains')} is not an object of aliases and domain ids"
    try:
        domains = config.get_object("domains") or {}
    except pulumi.ConfigTypeError:
        raise pulumi.RunError(fault) from None
    if not isinstance(domains, dict) or not all(isinstance(value, str) for value in domains.values()):
        raise pulumi.RunError(fault)
    return domains


def _choice(config: pulumi.Config, key: str, default: _Choice) -> _Choice:
    known = type(default)
    try:
        return known(config.get(key) or default)
    except ValueError:
        raise pulumi.RunError(f"{config.full_key(key)} is {' or '.join(known)}, nothing else") from None
