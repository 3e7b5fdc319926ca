"""How two plans differ: the one that was reviewed and the one that would be done, or was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceid_optout.plan.words import SYMBOLS, VERBS, changed, clean, more

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from voiceid_optout.plan.model import Plan, Step

ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Differences:
    """Steps that only one of two plans has, each in the order of their labels."""

    only_reviewed: tuple[Step, ...]
    only_present: tuple[Step, ...]


def differences(reviewed: Plan, present: Plan) -> Differences:
    """Compare two plans by what their steps do, not by how they say it."""
    return Differences(_without(reviewed.steps, present.steps), _without(present.steps, reviewed.steps))


def surplus(planned: Plan, done: Plan) -> tuple[Step, ...]:
    """Return the steps of a run that its plan did not have: another person, or another action.

    That a status has meanwhile changed once more makes the same repair no other.
    """
    expected = {(step.label, step.action) for step in planned.steps}
    return tuple(step for step in done.steps if (step.label, step.action) not in expected)


def listed(steps: Sequence[Step], places: Mapping[str, str], limit: int = ROWS_SHOWN) -> list[str]:
    """Return a line a step, at most ``limit`` of them and a count of the others."""
    shown = [_line(step, places.get(step.label, "")) for step in steps[:limit]]
    return [*shown, f"  {more(len(steps) - limit)}"] if len(steps) > limit else shown


def _without(steps: Iterable[Step], others: Iterable[Step]) -> tuple[Step, ...]:
    known = {step.identity for step in others}
    return tuple(sorted((step for step in steps if step.identity not in known), key=lambda step: step.identity))


def _line(step: Step, place: str) -> str:
    # Some of these come from a file: nothing in it may reach a terminal as it is.
    parts = (f"{SYMBOLS[step.action]} {VERBS[step.action]}", step.label, place, changed(step.change))
    return "  " + "  ".join(clean(part) for part in parts if part)
