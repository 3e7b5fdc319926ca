"""A plan: what a run would do, or did, to whom and why. Pure data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happens to one person, or to something else the stack manages."""

    OPT_OUT = "opt-out"
    REPAIR = "repair"  # opted out, or released, again: the service no longer says what the register asks
    RELEASE = "release"
    FORGET = "forget"  # no longer managed; nothing changes in the service
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Step:
    """One row. ``label`` names a person, or a resource that is none; ``reason`` is a phrase."""

    label: str
    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, in the order of their labels, and how many people stay as they are."""

    steps: tuple[Step, ...]
    unchanged: int

    @property
    def counts(self) -> Counter[Action]:
        """How many steps of each action."""
        return Counter(step.action for step in self.steps)

    @property
    def drifted(self) -> tuple[Step, ...]:
        """The steps that repair what was changed behind the register's back."""
        return tuple(step for step in self.steps if step.action is Action.REPAIR)
