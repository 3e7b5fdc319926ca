"""Durations as people say them."""

from __future__ import annotations

_MINUTE = 60  # seconds, and minutes of an hour


def spoken(seconds: float) -> str:
    """Return a duration in the unit it is best told in: ``12 s``, ``7 min``, ``1 h 20 min``."""
    if seconds < 1:
        return "less than 1 s"
    if round(seconds) < _MINUTE:
        return f"{round(seconds)} s"
    minutes = round(seconds / _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min"
    hours, rest = divmod(minutes, _MINUTE)
    return f"{hours:,} h {rest} min" if rest else f"{hours:,} h"
