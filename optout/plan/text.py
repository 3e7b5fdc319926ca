"""A plan as lines for people: a summary, then a row a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optout.plan.model import Action

if TYPE_CHECKING:
    from collections.abc import Mapping

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

    def __str__(self) -> str:
        return f"{self.symbol} {self.action:<13} {self.label}  {self.place:<30} {self.reason}"


def summary(plan: Plan) -> str:
    """Return the counts in one line, such as ``12 to opt out, 1 to release, 3 unchanged``."""
    counts = plan.counts
    parts = [f"{counts[action]:,} {words[2]}" for action, words in _WORDS.items() if counts[action]]
    return ", ".join([*parts, f"{plan.unchanged:,} unchanged"])


def rows(plan: Plan, places: Mapping[str, str], limit: int = ROWS_SHOWN) -> tuple[list[Row], int]:
    """Return the first ``limit`` rows and how many are left out. ``places`` gives the register's line by label."""
    shown = [_row(step, places) for step in plan.steps[:limit]]
    return shown, len(plan.steps) - len(shown)


def _row(step: Step, places: Mapping[str, str]) -> Row:
    symbol, word, _ = _WORDS[step.action]
    return Row(symbol, word, step.label, places.get(step.label, ""), step.reason)
