"""Config values as the Pulumi CLI reads them from YAML, and as it hands them to programs and providers: as texts.

Both are the CLI's to the letter, because the whole config lies in the state, where another text would look like
another config.
"""

from __future__ import annotations

import json
import math
import re
from copy import deepcopy
from decimal import Decimal
from functools import lru_cache
from typing import Any

import yaml

from voiceid_optout.files import check_yaml

_GO_PLAIN = (1e-6, 1e21)  # between these Go writes a number without an exponent
_LEAST, _MOST = -(2**63), 2**64 - 1  # integers beyond are numbers with a fraction to Go
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def as_text(value: Any) -> str:
    """Return a config value as text: as it is, or as compact JSON with sorted keys."""
    match value:
        case None:
            return ""
        case int() if not isinstance(value, bool) and not _LEAST <= value <= _MOST:
            return _json(value)
        case bool() | float() | dict() | list():
            return _json(value)
        case _:
            return str(value)


def _json(value: Any) -> str:
    match value:
        case dict():
            members = (f"{_json(str(key))}:{_json(value[key])}" for key in sorted(value, key=str))
            return f"{{{','.join(members)}}}"
        case list():
            return f"[{','.join(map(_json, value))}]"
        case bool() | None:
            return json.dumps(value)
        case int() | float():
            return _number(float(value))
        case _:
            text = json.dumps(str(value), ensure_ascii=False)
            return "".join(_ESCAPED.get(character, character) for character in text)


def _number(number: float) -> str:
    number += 0.0  # Go's YAML knows no -0
    size = abs(number)
    if not math.isfinite(number) or (size and not _GO_PLAIN[0] <= size < _GO_PLAIN[1]):
        return re.sub(r"e([-+])0", r"e\1", repr(number))
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


class _Loader(yaml.SafeLoader):
    """The safe loader with the CLI's rules for plain scalars: ``yes`` and ``1:30`` are texts, ``1e3`` is a number.

    PyYAML's own loader follows YAML 1.1 to the letter, so that a stack's config would differ between the engines.
    A date without quotes, which the CLI hands on as another text, is refused, and so is a key that stands twice.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's attribute


_MERGE = "tag:yaml.org,2002:merge"
_MOST_DIGITS = 1_000
_MOST_BITS = 64
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|(?:0|[1-9][0-9_]*))")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE]_*[-+]?_*[0-9][0-9_]*)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
# What Go takes for a moment in time, and a little more: it hands it on in a form of its own.
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:[Tt][0-9:.]+(?:Z|[-+][0-9:]+)| [0-9:.]+)?"
)
_RULES = (
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", _FLOAT, "-+0123456789."),
    ("timestamp", _DATE, "0123456789"),
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("merge", re.compile(r"<<"), "<"),
)
for _name, _pattern, _first in _RULES:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern.pattern})$"), list(_first)
    )


class RefusedError(yaml.MarkedYAMLError):
    """A value that the engines would read differently; ``problem`` says what to do."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
    """Build a mapping whose keys are all different, as the CLI demands."""
    seen = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (name := (key.tag, key.value)) in seen and key.tag != _MERGE:
                raise RefusedError(problem="stands twice: take one of them out", problem_mark=key.start_mark)
            seen.add(name)
    return loader.construct_yaml_map(node)


def _date(_: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    raise RefusedError(problem="a date must stand in quotes", problem_mark=node.start_mark)


def _other(_: yaml.SafeLoader, node: yaml.Node) -> Any:
    raise RefusedError(
        problem="a value with this tag cannot be read: write it as a text", problem_mark=node.start_mark
    )


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | str:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("-+")
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number of too many digits")
    if digits[:2] in ("0b", "0o", "0x"):
        number = int(digits, 0)
        return sign * number if number.bit_length() <= _MOST_BITS else str(loader.construct_scalar(node))
    return sign * int(digits, 8 if digits.startswith("0") else 10)


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(
        str(loader.construct_scalar(node)).replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan")
    )


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _date)
for _name in ("binary", "set", "omap", "pairs"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _other)


def load_yaml(text: str) -> Any:
    """Return the document; raises :class:`yaml.YAMLError`, or :class:`ValueError` for a scalar with a wrong tag.

    What goes beyond a bound of :mod:`voiceid_optout.files` is refused before anything is built.
    """
    return deepcopy(_parsed(text))


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    """Return what nobody may change. A command reads a stack file in several places, and parsing takes long."""
    check_yaml(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
