"""The guard: decides whether a plan takes so many people out of protection that somebody must approve it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from voiceid_optout.plan import Action, people
from voiceid_optout.speakers import Ensure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.plan import Plan, Step


_LOSS_ACTIONS = (Action.FORGET, Action.RELEASE)
_UNEXPECTED_ACTIONS = (Action.DELETE, Action.REPLACE)


class Rule(StrEnum):
    """What the guard looks for."""

    EMPTIED = "emptied"  # nobody would be managed any more
    SHARE = "share"
    COUNT = "count"
    UNEXPECTED = "unexpected"  # a healthy plan deletes and replaces nothing


@dataclass(frozen=True, slots=True)
class Limits:
    """How many losses pass unasked. A loss is a person, opted out until now, who is released or no longer managed.

    ``max_loss_percent`` is of the people kept opted out before, and asked from ``percent_from_losses`` on: of three
    people, one is a third.
    """

    max_losses: int = 100
    max_loss_percent: float = 30
    percent_from_losses: int = 10

    @classmethod
    def of(cls, numbers: Mapping[str, float]) -> Self:
        """Return the limits of a stack's setting, by its keys; what is not set keeps its default."""
        default = cls()
        return cls(
            int(numbers.get("maxLosses", default.max_losses)),
            float(numbers.get("maxLossPercent", default.max_loss_percent)),
            int(numbers.get("percentFromLosses", default.percent_from_losses)),
        )


@dataclass(frozen=True, slots=True)
class Breach:
    """One rule that a plan breaks: ``count`` people or resources, of ``of`` if it is a share."""

    rule: Rule
    count: int
    of: int | None
    limit: float | None

    @property
    def sentence(self) -> str:
        """The breach in words."""
        match self.rule:
            case Rule.EMPTIED:
                return f"{people(self.count)} would no longer be managed, and nobody would be left"
            case Rule.SHARE:
                percent = f"{100 * self.count / (self.of or 1):.1f}".removesuffix(".0")
                whom = f"{self.count:,} of {people(self.of or 0)}"
                return f"{whom} ({percent} %, at most {self.limit:g} % may) would be released or no longer managed"
            case Rule.COUNT:
                return f"{people(self.count)} (at most {self.limit:,} may) would be released or no longer managed"
        what = "1 resource" if self.count == 1 else f"{self.count:,} resources"
        return f"{what} would be deleted or replaced, which no plan of a healthy stack does"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the guard refuses a plan; ``override`` is the command that does exactly this plan all the same."""

    breaches: tuple[Breach, ...]
    losses: int
    managed: int
    limits: Limits
    digest: str
    override: str

    @property
    def reasons(self) -> str:
        """All breaches in one sentence without a full stop."""
        return "; ".join(breach.sentence for breach in self.breaches)


def check(plan: Plan, limits: Limits, digest: str, override: str) -> Refusal | None:
    """Return the refusal of a plan, None for one that may be done. The whole plan is refused, never a part."""
    losses = [step for step in plan.steps if _is_loss(step)]
    breaches = tuple(
        breach
        for breach in (
            _emptied(plan),
            _share(losses, plan.managed, limits),
            Breach(Rule.COUNT, len(losses), None, limits.max_losses) if len(losses) > limits.max_losses else None,
            _unexpected(plan),
        )
        if breach is not None
    )
    return Refusal(breaches, len(losses), plan.managed, limits, digest, override) if breaches else None


def is_dangerous(step: Step) -> bool:
    """Tell whether a step takes something away: a loss, a delete or a replace."""
    return _is_loss(step) or step.action in _UNEXPECTED_ACTIONS


def _is_loss(step: Step) -> bool:
    # To stop managing somebody released before changes nothing: taking old lines out of `released` is housekeeping.
    if not step.is_person or step.action not in _LOSS_ACTIONS:
        return False
    return step.action is Action.RELEASE or _was_opted_out(step)


def _was_opted_out(step: Step) -> bool:
    return step.change is not None and step.change.before == Ensure.OPTED_OUT


def _emptied(plan: Plan) -> Breach | None:
    left = sum(step.is_person and step.action is Action.FORGET for step in plan.steps)
    staying = plan.unchanged + sum(
        step.is_person and step.action not in (Action.FORGET, Action.DELETE) for step in plan.steps
    )
    return Breach(Rule.EMPTIED, left, None, None) if left and not staying else None


def _share(losses: list[Step], managed: int, limits: Limits) -> Breach | None:
    # Someone released who was never managed is no part of the people managed before.
    lost = sum(_was_opted_out(step) for step in losses)
    if lost < limits.percent_from_losses or 100 * lost <= limits.max_loss_percent * managed:
        return None
    return Breach(Rule.SHARE, lost, managed, limits.max_loss_percent)


def _unexpected(plan: Plan) -> Breach | None:
    count = sum(step.action in _UNEXPECTED_ACTIONS for step in plan.steps)
    return Breach(Rule.UNEXPECTED, count, None, 0) if count else None
