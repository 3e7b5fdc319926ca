"""A plan: what a run would do, or did, to whom and why. Pure data, and what can be wrong with a saved one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class PlanError(Exception):
    """Root of this package's errors. The message says what is wrong and what to do."""


class PlanFileError(PlanError):
    """A file is no saved plan, or one that was cut short or changed."""


class ForeignPlanError(PlanError):
    """A saved plan is for something else than what it is used for."""


class LimitsError(PlanError):
    """The guard's limits are not what they should be."""


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
    something else than the state has. ``types`` are the type tokens of all resources that the engine told of.
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
