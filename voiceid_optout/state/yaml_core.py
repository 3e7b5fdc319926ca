"""YAML as the Pulumi CLI reads it: ``yes`` and ``1:30`` are texts, ``1e3`` and ``0o17`` are numbers.

PyYAML's own loader follows YAML 1.1 to the letter, so that a stack's config would differ between the engines.
Dates stay the texts they are.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from voiceid_optout.limits import check_yaml


class _Loader(yaml.SafeLoader):
    """The safe loader with other rules for plain scalars."""

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


def load(text: str) -> Any:
    """Return the document; raises :class:`yaml.YAMLError`, or :class:`ValueError` for a scalar with a wrong tag.

    What goes beyond a bound of :mod:`voiceid_optout.limits` is refused before anything is built.
    """
    check_yaml(text)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
