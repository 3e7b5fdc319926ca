"""Which plan it is: its digest, which an approval names, and how two plans differ."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voiceid_optout.plan.words import SYMBOLS, VERBS, changed, clean, more

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from voiceid_optout.plan.model import Plan, Step


VERSION = 2  # of what is hashed: a new one makes every approval void
# Hexadecimal digits that people are shown, and that an approval must have at least. They are 128 bits: whoever
# proposes a change chooses identifiers, and so labels, and 48 bits of a digest were found again within a minute.
SHORT = 32
APPROVAL = re.compile(rf"[0-9a-f]{{{SHORT},64}}")


AWS = "aws"  # in place of a URL: AWS's own endpoint of the region
SANDBOX = "embedded"  # the service that a sandbox brings, which listens elsewhere each time
_WORDS = {SANDBOX: "the sandbox's own service"}


class Purpose(StrEnum):
    """What a plan is a plan of. Approval to take two people out of the register is none to destroy the stack."""

    UP = "up"
    DESTROY = "destroy"
    REFRESH = "refresh"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a plan belongs: an approval for one stack, or one endpoint, says nothing about another.

    ``endpoint`` is a URL, AWS or SANDBOX; ``region`` is the one that requests are signed for.
    """

    project: str
    stack: str
    purpose: Purpose
    endpoint: str
    region: str

    @property
    def place(self) -> str:
        """Where the plan's calls go, in words."""
        if self.endpoint == AWS:
            return f"AWS's Voice ID in {self.region}"
        return f"{_WORDS.get(self.endpoint, self.endpoint)} ({self.region})"


def digest(plan: Plan, scope: Scope) -> str:
    """Return SHA-256, 64 hexadecimal digits, over the steps and their scope as canonical JSON.

    It covers where, who, what and from what to what. Of domains it has those of the steps: that the stack has one
    more meanwhile makes this plan no other. It does not cover wording, nor lines of the register: they move when
    somebody else is added.
    """
    content = {
        "version": VERSION,
        "project": scope.project,
        "stack": scope.stack,
        "purpose": scope.purpose.value,
        "endpoint": scope.endpoint,
        "region": scope.region,
        "steps": sorted(step.identity for step in plan.steps),
    }
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def short(full: str) -> str:
    """Return the digits that are shown to people, which are enough to approve."""
    return full[:SHORT]


def approves(approval: str, full: str) -> bool:
    """Tell whether an approval, a digest or its first digits, names this digest."""
    return bool(APPROVAL.fullmatch(approval)) and full.startswith(approval)


ROWS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Differences:
    """Steps that only one of two plans has, each in the order of their labels."""

    only_reviewed: tuple[Step, ...]
    only_present: tuple[Step, ...]


def differences(reviewed: Plan, present: Plan) -> Differences:
    """Compare two plans by what their steps do, not by how they say it."""
    return Differences(_without(reviewed.steps, present.steps), _without(present.steps, reviewed.steps))


def unplanned_steps(planned: Plan, done: Plan) -> tuple[Step, ...]:
    """Return the steps of a run that its plan did not have: another person, or another action.

    That a status has meanwhile changed once more makes the same repair no other.
    """
    expected = {(step.label, step.action) for step in planned.steps}
    return tuple(step for step in done.steps if (step.label, step.action) not in expected)


def step_lines(steps: Sequence[Step], places: Mapping[str, str], limit: int = ROWS_SHOWN) -> list[str]:
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
