"""The settings of a stack: the one table of the keys under a project's prefix, and the check against it.

A misspelled key would change nothing and say nothing: a limit somebody set would not hold. A new setting is a line
in ``KEYS`` and a row in ``docs/settings.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from voiceid_optout.limits import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PREFIX = "voiceid-optout"  # of a project that has the name which ours has
_MOST_SHOWN = 64  # characters of a key
_ALIKE = 0.8  # from here on a prefix is a slip for the project's


class Kind(Enum):
    """What a setting is. A stack file has it as YAML, a program as a text, or as JSON for an object."""

    TEXT = "a text"
    SECRET = "a text, which may be a secret"  # noqa: S105 - a kind, not a secret
    SWITCH = "true or false"
    CHOICE = "one of its words"
    ALIASES = "an object of aliases and domain ids, each id in quotes"
    OBJECT = "an object"


@dataclass(frozen=True, slots=True)
class Key:
    """One setting; ``names`` are the words of a choice or the keys of an object."""

    name: str
    kind: Kind
    names: tuple[str, ...] = ()


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
            Key("quotas", Kind.OBJECT, ("optOut", "describe", "delete", "list")),
            Key("grouping", Kind.CHOICE, ("single", "sharded")),
            Key("guard", Kind.OBJECT, ("maxLosses", "maxLossPercent", "percentFromLosses")),
            Key("labelKey", Kind.SECRET),
            Key("previousLabelKey", Kind.SECRET),
            Key("guessableLabels", Kind.SWITCH),
            Key("contactWarnings", Kind.SWITCH),
            Key("service", Kind.CHOICE, ("embedded",)),
            Key("guardrails", Kind.CHOICE, ("false", "true", "only")),
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


def faults(config: Mapping[str, Any], project: str) -> Iterator[str]:
    """Yield a line for each key of the project that is unknown, or has a value of another kind.

    ``config``: full keys, and values as a stack's file or a program has them. A key without a prefix is the
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
        case Kind.SWITCH:
            return None if str(given).lower() in ("true", "false") else "is true or false, nothing else"
        case Kind.CHOICE:
            word = str(given).lower() if isinstance(given, bool) else given
            return None if word in (*key.names, "") else f"is {' or '.join(key.names)}, nothing else"
        case Kind.ALIASES | Kind.OBJECT:
            return _object_problem(key, value_of(given))


def _object_problem(key: Key, value: Any) -> str | None:
    if not isinstance(value, dict):
        return f"is not {key.kind.value}"
    if key.kind is Kind.ALIASES:
        return None if all(isinstance(item, str) for item in value.values()) else f"is not {key.kind.value}"
    unknown = next((str(name) for name in value if name not in key.names), None)
    return None if unknown is None else f"has the unknown key {_shown(unknown)}: {_meant(unknown, key.names)}"


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
