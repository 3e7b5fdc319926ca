"""A small matcher of EventBridge patterns; what it does not know it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Tell whether an event matches a pattern: every field does, and one alternative of each ``$or``."""
    return all(
        any(matches(alternative, event) for alternative in wanted)
        if field == "$or"
        else matches(wanted, event.get(field) or {})
        if isinstance(wanted, Mapping)
        else _one_of(wanted, event.get(field))
        for field, wanted in pattern.items()
    )


def _one_of(wanted: list[Any], given: Any) -> bool:
    values = given if isinstance(given, list) else [given]
    return any(_fits(each, value) for each in wanted for value in values)


def _fits(wanted: Any, value: Any) -> bool:
    if not isinstance(wanted, Mapping):
        return bool(wanted == value)
    [(kind, argument)] = wanted.items()
    match kind:
        case "anything-but":  # a field that is not there matches nothing
            return value is not None and value not in (argument if isinstance(argument, list) else [argument])
        case _:
            raise AssertionError(f"unknown filter {kind}")
