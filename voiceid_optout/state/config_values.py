"""Config values as the Pulumi CLI reads them from YAML, and as it hands them to programs and providers: as texts.

Both are the CLI's to the letter, because the whole config lies in the state, where another text would look like
another config.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

import yaml

from voiceid_optout.limits import check_yaml

_GO_PLAIN = (1e-6, 1e21)  # between these Go writes a number without an exponent
_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def as_text(value: Any) -> str:
    """Return a config value as text: as it is, or as compact JSON with sorted keys."""
    match value:
        case None:
            return ""
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
    size = abs(number)
    if not math.isfinite(number) or (size and not _GO_PLAIN[0] <= size < _GO_PLAIN[1]):
        return re.sub(r"e([-+])0", r"e\1", repr(number))
    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


class _Loader(yaml.SafeLoader):
    """The safe loader with the CLI's rules for plain scalars: ``yes`` and ``1:30`` are texts, ``1e3`` is a number.

    PyYAML's own loader follows YAML 1.1 to the letter, so that a stack's config would differ between the engines.
    Dates stay the texts they are.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's attribute


_MOST_DIGITS = 1_000
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|(?:0|[1-9][0-9_]*))")
_FLOAT = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_RULES = (
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    ("int", _INTEGER, "-+0123456789"),
    ("float", _FLOAT, "-+0123456789."),
    ("null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("merge", re.compile(r"<<"), "<"),
)
for _name, _pattern, _first in _RULES:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern.pattern})$"), list(_first)
    )


def _integer(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node)).replace("_", "").lower()
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("-+")
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number of too many digits")
    if digits[:2] in ("0b", "0o", "0x"):
        return sign * int(digits, 0)
    return sign * int(digits, 8 if digits.startswith("0") else 10)


def _float(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> float:
    return float(
        str(loader.construct_scalar(node)).replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan")
    )


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def load_yaml(text: str) -> Any:
    """Return the document; raises :class:`yaml.YAMLError`, or :class:`ValueError` for a scalar with a wrong tag.

    What goes beyond a bound of :mod:`voiceid_optout.limits` is refused before anything is built.
    """
    check_yaml(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
