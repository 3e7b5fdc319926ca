"""Config values as texts: what programs and providers get, letter for letter as from the Pulumi CLI.

It matters because the whole config lies in the state, where another text would look like another config.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

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
