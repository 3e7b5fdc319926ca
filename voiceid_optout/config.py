"""The settings of a stack: the one table of the keys under a project's prefix, and the one reader of their values.

A misspelled key would change nothing and say nothing: a limit somebody set would not hold. A new setting is a line
in ``KEYS``, a field of ``Config`` and a row in ``docs/settings.md``. Commands read a stack file, the program and
the provider read texts from Pulumi: all through :func:`read`, so a value means the same everywhere.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from voiceid_optout.files import read_json
from voiceid_optout.speakers import SHARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PREFIX = "voiceid-optout"  # of a project that has the name which ours has
DEFAULT_REGISTER = "config"  # the folder of a register, where a stack names no other
SANDBOX = "embedded"  # the value of `service` in a stack that brings its own
_MOST_SHOWN = 64  # characters of a key
_PUBLIC_KEYS = re.compile("[0-9a-f]{64}(?: [0-9a-f]{64})*")
_ALIKE = 0.8  # from here on a prefix is a slip for the project's


class Kind(Enum):
    """What a setting is. A stack file has it as YAML, a program as a text, or as JSON for an object."""

    TEXT = "a text"
    SECRET = "a text, which may be a secret"  # noqa: S105 - a kind, not a secret
    SWITCH = "true or false"
    CHOICE = "one of its words"
    ALIASES = "an object of aliases and domain ids, each id in quotes"
    OBJECT = "an object"
    PUBLIC_KEYS = "public keys of 64 hexadecimal digits, with a blank between them"


_OBJECTS = (Kind.ALIASES, Kind.OBJECT)


class Grouping(StrEnum):
    """How people become resources: one each, or many in one of a fixed number of shards."""

    SINGLE = "single"
    SHARDED = "sharded"


class Guardrails(StrEnum):
    """Whether the stack holds the guardrails: not, beside the people, or nothing else."""

    OFF = "false"
    ON = "true"
    ONLY = "only"


def _rate(value: object) -> str | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # the stack's config gives 10, "10" or 10.0
    except (TypeError, ValueError):
        number = 0.0
    if isinstance(value, bool) or not 0 < number < math.inf:
        return "a positive number of calls a second for {}"
    return None


def _count(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return "a whole number from 0 on for {}, without quotes"
    return None


def _percent(value: object) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not 0 <= value <= 100:  # type: ignore[operator]  # noqa: PLR2004 - percent
        return "a number from 0 to 100 for {}, without quotes"
    return None


@dataclass(frozen=True, slots=True)
class Key:
    """One setting; ``names`` are the words of a choice or the keys of an object.

    ``checks``, where an object's values are checked here, return by key what a value must be, with ``{}`` for the
    key, or None if it is.
    """

    name: str
    kind: Kind
    names: tuple[str, ...] = ()
    checks: Mapping[str, Callable[[object], str | None]] = field(default_factory=dict)


_RATES = dict.fromkeys(("optOut", "describe", "delete", "list"), _rate)
_LIMITS = {"maxLosses": _count, "maxLossPercent": _percent, "percentFromLosses": _count}

KEYS: Mapping[str, Key] = MappingProxyType(
    {
        key.name: key
        for key in (
            Key("register", Kind.TEXT),
            Key("domain", Kind.TEXT),
            Key("domains", Kind.ALIASES),
            Key("endpoint", Kind.TEXT),
            Key("insecurePlainHttp", Kind.SWITCH),
            Key("region", Kind.TEXT),
            Key("quotas", Kind.OBJECT, tuple(_RATES), _RATES),
            Key("grouping", Kind.CHOICE, tuple(Grouping)),
            Key("shards", Kind.CHOICE, tuple(map(str, SHARDS))),
            Key("guard", Kind.OBJECT, tuple(_LIMITS), _LIMITS),
            Key("labelKey", Kind.SECRET),
            Key("previousLabelKey", Kind.SECRET),
            Key("guessableLabels", Kind.SWITCH),
            Key("reportKey", Kind.SECRET),
            Key("reportPublicKeys", Kind.PUBLIC_KEYS),
            Key("contactWarnings", Kind.SWITCH),
            Key("service", Kind.CHOICE, (SANDBOX,)),
            Key("guardrails", Kind.CHOICE, tuple(Guardrails)),
            Key(
                "guardrailSettings",
                Kind.OBJECT,
                (
                    *("name", "account", "repository", "branch", "environment", "previewEnvironment", "releases"),
                    *("tags", "sessionHours", "stateUrl", "oidcProvider", "domainKey", "logRetentionDays", "topic"),
                    "eventsKey",
                ),
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of a stack.

    ``domain`` is a domain's id. ``shards`` is how many a domain has, None for as many as its people need.
    ``quotas`` and ``guard`` have numbers by the keys of the setting, those that are set. ``sealed`` names the
    secrets that only a passphrase opens: their own fields are None. Of ``report_public_keys`` the first belongs to
    the key that signs reports now.
    """

    register: str = DEFAULT_REGISTER
    domain: str | None = None
    domains: Mapping[str, str] = field(default_factory=dict)
    endpoint: str | None = None
    insecure_plain_http: bool = False
    region: str | None = None
    quotas: Mapping[str, float] = field(default_factory=dict)
    grouping: Grouping = Grouping.SINGLE
    shards: int | None = None
    guard: Mapping[str, float] = field(default_factory=dict)
    label_key: str | None = field(default=None, repr=False)
    previous_label_key: str | None = field(default=None, repr=False)
    report_key: str | None = field(default=None, repr=False)
    report_public_keys: tuple[str, ...] = ()
    sealed: frozenset[str] = frozenset()
    guessable_labels: bool = False
    contact_warnings: bool = True
    is_sandbox: bool = False
    guardrails: Guardrails = Guardrails.OFF
    guardrail_settings: Mapping[str, Any] | None = None

    @property
    def has_label_key(self) -> bool:
        """Whether labels have a key, sealed or not."""
        return self.label_key is not None or "labelKey" in self.sealed

    @property
    def has_report_key(self) -> bool:
        """Whether reports are signed, by a key that is sealed or not."""
        return self.report_key is not None or "reportKey" in self.sealed

    @property
    def changes_label_key(self) -> bool:
        """Whether labels are known by a key of before too."""
        return self.previous_label_key is not None or "previousLabelKey" in self.sealed


class ConfigInvalid(ValueError):  # noqa: N818 - a verdict, as RegisterInvalid
    """Settings that cannot be used; ``faults`` has a line for each."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


def read(config: Mapping[str, Any], project: str) -> Config:
    """Return the settings of a project's stack; ``config`` is as for :func:`faults`.

    Raises :class:`ConfigInvalid` with all that is wrong.
    """
    if found := list(faults(config, project)):
        raise ConfigInvalid(found)
    given = {name: config.get(f"{project}:{name}", config.get(name)) for name in KEYS}
    given |= {name: value_of(given[name]) for name, key in KEYS.items() if key.kind in _OBJECTS}
    domains = given["domains"] or {}
    domain = given["domain"] or None
    sealed = frozenset(name for name, value in given.items() if _is_secret(value))

    def secret(name: str) -> str | None:
        return None if name in sealed else given[name] or None

    def switch(name: str, *, default: bool = False) -> bool:
        return default if given[name] is None else str(given[name]).lower() == "true"

    return Config(
        register=given["register"] or DEFAULT_REGISTER,
        domain=domains.get(domain, domain) if domain else None,
        domains=domains,
        endpoint=given["endpoint"] or None,
        insecure_plain_http=switch("insecurePlainHttp"),
        region=given["region"] or None,
        quotas={name: float(number) for name, number in (given["quotas"] or {}).items()},
        grouping=Grouping(given["grouping"] or Grouping.SINGLE),
        shards=int(given["shards"]) if given["shards"] else None,
        guard=given["guard"] or {},
        label_key=secret("labelKey"),
        previous_label_key=secret("previousLabelKey"),
        report_key=secret("reportKey"),
        report_public_keys=tuple((given["reportPublicKeys"] or "").split()),
        sealed=sealed,
        guessable_labels=switch("guessableLabels"),
        contact_warnings=switch("contactWarnings", default=True),
        is_sandbox=given["service"] == SANDBOX,
        guardrails=Guardrails(str(given["guardrails"] or Guardrails.OFF).lower()),
        guardrail_settings=given["guardrailSettings"],
    )


def faults(config: Mapping[str, Any], project: str) -> Iterator[str]:
    """Yield a line for each key of the project that is unknown, or has a value of another kind.

    ``config``: full keys, and values as a stack file or a program has them. A key without a prefix is the
    project's, as for the Pulumi CLI. No line shows a value.
    """
    for full, value in config.items():
        prefix, _, name = full.rpartition(":")
        if prefix in ("", project):
            if (problem := _problem(name, value)) is not None:
                yield f"{_shown(full)} {problem}"
        elif name in KEYS and _is_slip(prefix, project):
            yield f"{_shown(full)} is no setting of the project {project}: did you mean {project}:{name}?"


def _is_slip(prefix: str, project: str) -> bool:
    """Whether a prefix was meant to be the project's: an earlier name, a slip, or the CLI's long form of it."""
    return bool(get_close_matches(prefix.removesuffix(":config"), (project, PREFIX), n=1, cutoff=_ALIKE))


def value_of(given: Any) -> Any:
    """Return a value as it is meant: an object that was set without ``--path`` is a text of JSON."""
    if isinstance(given, str) and given.startswith(("{", "[")):
        try:
            return read_json(given)
        except ValueError:
            return given
    return given


def _problem(name: str, given: Any) -> str | None:
    key = KEYS.get(name)
    if key is None:
        return f"is no setting: {_meant(name, KEYS, '; a key of your own program goes under a name of its own')}"
    if given is None:  # as left out
        return None
    if key.kind is Kind.SECRET and _is_secret(given):
        return None
    if _holds_secret(given):
        return "is needed in clear: set it without --secret"
    match key.kind:
        case Kind.TEXT | Kind.SECRET:
            return None if isinstance(given, str) else "is not a text: put it in quotes"
        case Kind.PUBLIC_KEYS:
            return None if isinstance(given, str) and _PUBLIC_KEYS.fullmatch(given) else f"is not {key.kind.value}"
        case Kind.SWITCH:
            return None if str(given).lower() in ("true", "false") else "is true or false, nothing else"
        case Kind.CHOICE:
            word = str(given).lower() if isinstance(given, bool | int) else given
            return None if word in (*key.names, "") else f"is {' or '.join(key.names)}, nothing else"
        case Kind.ALIASES | Kind.OBJECT:
            return _object_problem(key, value_of(given))


def _object_problem(key: Key, value: Any) -> str | None:
    if not isinstance(value, dict):
        return f"is not {key.kind.value}"
    if key.kind is Kind.ALIASES:
        return None if all(isinstance(item, str) for item in value.values()) else f"is not {key.kind.value}"
    unknown = next((str(name) for name in value if name not in key.names), None)
    if unknown is not None:
        return f"has the unknown key {_shown(unknown)}: {_meant(unknown, key.names)}"
    wrong = ((name, key.checks[name](item)) for name, item in value.items() if name in key.checks)
    return next((f"needs {words.format(name)}" for name, words in wrong if words), None)


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _holds_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_secret(value) or any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


def _meant(name: str, known: Iterable[str], remedy: str = "") -> str:
    """Name the key that was probably meant, whatever the case of its letters and the marks between its words."""
    by_letters = {_letters(each): each for each in known}
    if close := get_close_matches(_letters(name[:_MOST_SHOWN]), by_letters, n=1):
        return f"did you mean {by_letters[close[0]]}?"
    return f"known are {', '.join(by_letters.values())}{remedy}"


def _letters(name: str) -> str:
    return name.partition(".")[0].lower().replace("_", "").replace("-", "")


def _shown(name: str) -> str:
    short = name[:_MOST_SHOWN]
    return short if short.isprintable() else repr(short)
