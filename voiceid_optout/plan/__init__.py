"""A plan: what a run would do, or did, to whom and why; where it belongs, and its digest. Pure data.

A digest names a plan, and an approval names the digest.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class PlanError(Exception):
    """Root of this package's errors. The message says what is wrong and what to do."""


class PlanFileError(PlanError):
    """A file is no saved plan, or one that was cut short or changed."""


class ForeignPlanError(PlanError):
    """A saved plan is for something else than what it is used for."""


PERSON = "person"  # the type of a step about a person; other steps name Pulumi's type of the resource


class Action(StrEnum):
    """What happens to one person, or to something else the stack manages."""

    OPT_OUT = "opt-out"
    REPAIR = "repair"  # opted out, or released, again: the service no longer says what the register asks
    RELEASE = "release"
    FORGET = "forget"  # "stop managing" in words: nothing changes in the service; the name is the schema's
    MOVE = "move"  # managed by another resource of the stack; nothing changes in the service
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Change:
    """One field that changes: ``ensure``, what the stack asks, or ``status``, what the service says.

    None stands for nothing there: a person who is not managed, a speaker who is gone.
    """

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One row. ``label`` names a person, or a resource that is none; ``reason`` is a phrase.

    ``domain`` is the id of the person's domain, empty for what is in none. What makes two steps the same is all but
    ``reason``: wording may change from one version to the next.
    """

    label: str
    action: Action
    reason: str
    change: Change | None = None
    type: str = PERSON
    domain: str = ""

    @property
    def is_person(self) -> bool:
        """Whether the step is about a person."""
        return self.type == PERSON

    @property
    def identity(self) -> tuple[str, ...]:
        """What the step does, as texts that sort; two steps with the same identity do the same."""
        field, before, after = (
            ("", "", "") if self.change is None else (self.change.field, self.change.before, self.change.after)
        )
        return self.label, self.domain, self.type, self.action.value, field, before or "", after or ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps, in the order of their labels, and how many people stay as they are.

    ``managed`` is how many people the stack keeps opted out before the run. ``resources`` are the URNs of all that
    changes, and None where it takes more than these to do the plan. ``is_state_old`` says whether a read found
    something else than the state has. ``types`` are the type tokens of all resources that the engine's events name.
    """

    steps: tuple[Step, ...]
    unchanged: int
    managed: int = 0
    resources: frozenset[str] | None = field(default=None, compare=False, repr=False)
    is_state_old: bool = field(default=True, compare=False, repr=False)
    types: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of everybody who has a step."""
        return tuple(sorted({step.domain for step in self.steps if step.domain}))

    @property
    def counts(self) -> Counter[Action]:
        """How many steps of each action."""
        return Counter(step.action for step in self.steps)


def people(count: int) -> str:
    """Return a number of people in words, such as ``1 person`` or ``1,200 people``."""
    return f"{count:,} {'person' if count == 1 else 'people'}"


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
        "steps": [],
    }
    before, _, after = _canonical(content).rpartition("[]")
    found = hashlib.sha256(f"{before}[".encode())
    for number, text in enumerate(_texts(plan.steps)):
        found.update(f",{text}".encode() if number else text.encode())
    found.update(f"]{after}".encode())
    return found.hexdigest()


_GROUPED_BY = 5  # characters of a label: what begins it, and two of its digits


def _canonical(content: Any) -> str:
    return json.dumps(content, ensure_ascii=True, separators=(",", ":"), sort_keys=True)


def _texts(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the identities in their order as items of a JSON list, many at once: a million take memory."""
    for _, found in groupby(sorted(steps, key=attrgetter("label")), lambda step: step.label[:_GROUPED_BY]):
        yield _canonical(sorted(step.identity for step in found))[1:-1]


def short(full: str) -> str:
    """Return the digits that are shown to people, which are enough to approve."""
    return full[:SHORT]


def approves(approval: str, full: str) -> bool:
    """Tell whether an approval, a digest or its first digits, names this digest."""
    return bool(APPROVAL.fullmatch(approval)) and full.startswith(approval)


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
    # Most runs do what was planned: then a million labels need not be gathered.
    both = zip(planned.steps, done.steps, strict=False)
    if len(done.steps) <= len(planned.steps) and all(a.label == b.label and a.action is b.action for a, b in both):
        return ()
    expected: defaultdict[Action, set[str]] = defaultdict(set)  # labels
    for step in planned.steps:
        expected[step.action].add(step.label)
    return tuple(step for step in done.steps if step.label not in expected[step.action])


def _without(steps: Iterable[Step], others: Iterable[Step]) -> tuple[Step, ...]:
    known = {step.identity for step in others}
    return tuple(sorted((step for step in steps if step.identity not in known), key=lambda step: step.identity))
