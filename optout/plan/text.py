"""A plan as lines for people: a summary, then a row a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optout.plan.model import Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optout.plan.model import Plan, Step

ROWS_SHOWN = 200

_WORDS = {
    Action.OPT_OUT: ("+", "opt out", "to opt out"),
    Action.REPAIR: ("!", "repair", "to repair"),
    Action.RELEASE: ("-", "release", "to release"),
    Action.FORGET: ("·", "stop managing", "to stop managing"),
    Action.UPDATE: ("~", "update", "to update"),
    Action.DELETE: ("-", "delete", "to delete"),
    Action.REPLACE: ("±", "replace", "to replace"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One step in words. ``place`` is ``file:line`` of the register, or empty when it no longer has the person."""

    symbol: str
    action: str
    label: str
    place: str
    reason: str


def summary(plan: Plan) -> str:
    """Return the counts in one line, such as ``12 to opt out, 1 to release, 3 unchanged``."""
    counts = plan.counts
    parts = [f"{counts[action]:,} {words[2]}" for action, words in _WORDS.items() if counts[action]]
    return ", ".join([*parts, f"{plan.unchanged:,} unchanged"])


def people(count: int) -> str:
    """Return a number of people in words, such as ``1 person`` or ``1,200 people``."""
    return f"{count:,} {'person' if count == 1 else 'people'}"


def rows(plan: Plan, places: Mapping[str, str], limit: int = ROWS_SHOWN) -> tuple[list[Row], int]:
    """Return the first ``limit`` rows and how many are left out.

    ``places`` gives the register's line by label. The rows follow the register; what it no longer lists comes last.
    """
    ordered = sorted(plan.steps, key=lambda step: _position(places.get(step.label, "")))
    shown = [_row(step, places) for step in ordered[:limit]]
    return shown, len(plan.steps) - len(shown)


def _position(place: str) -> tuple[bool, str, int]:
    file, _, line = place.rpartition(":")
    return not file, file, int(line or 0)


def lines(shown: Sequence[Row], width: int | None = None) -> list[str]:
    """Return each row in aligned columns; all with the reason on a line of its own if one exceeds ``width``."""
    actions, labels, places = (max((len(part) for part in column), default=0) for column in _columns(shown))
    heads = [f"{row.symbol} {row.action:<{actions}}  {row.label:<{labels}}  {row.place:<{places}}" for row in shown]
    joined = [f"{head}  {row.reason}" for head, row in zip(heads, shown, strict=True)]
    if width is None or all(len(line) <= width for line in joined):
        return joined
    return [f"{head.rstrip()}\n    {row.reason}" for head, row in zip(heads, shown, strict=True)]


def _columns(shown: Sequence[Row]) -> tuple[list[str], list[str], list[str]]:
    return [row.action for row in shown], [row.label for row in shown], [row.place for row in shown]


def _row(step: Step, places: Mapping[str, str]) -> Row:
    symbol, word, _ = _WORDS[step.action]
    return Row(symbol, word, step.label, places.get(step.label, ""), step.reason)
