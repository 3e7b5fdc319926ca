"""The guard's limits as a stack's config gives them."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import Any

from voiceid_optout.plan.errors import LimitsError
from voiceid_optout.plan.guard import Limits

EXAMPLE = "{maxLosses: 100, maxLossPercent: 30, percentFromLosses: 10}"
_FIELDS = {
    "maxLosses": "max_losses",
    "maxLossPercent": "max_loss_percent",
    "percentFromLosses": "percent_from_losses",
}


def parse(value: Any) -> Limits:
    """Return the limits of a config object; None, and keys that are left out, stand for the defaults.

    Raises :class:`LimitsError` that names the key and what belongs there.
    """
    if value is None:
        return Limits()
    if not isinstance(value, dict):
        raise LimitsError(f"must be an object such as {EXAMPLE}")
    found: dict[str, Any] = {}
    for key, number in value.items():
        if key not in _FIELDS:
            raise LimitsError(f"has the unknown key {_named(key)}")
        found[_FIELDS[key]] = _percent(key, number) if key == "maxLossPercent" else _count(key, number)
    return Limits(**found)


def _count(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise LimitsError(f"needs a whole number from 0 on for {key}, without quotes")
    return value


def _percent(key: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not 0 <= value <= 100:  # noqa: PLR2004 - percent
        raise LimitsError(f"needs a number from 0 to 100 for {key}, without quotes")
    return float(value)


def _named(key: object) -> str:
    close = get_close_matches(str(key)[:64], _FIELDS, n=1)
    return f"{str(key)[:64]!r}: " + (f"did you mean {close[0]}?" if close else f"known are {', '.join(_FIELDS)}")
