"""How long a plan takes: the service's quotas decide it, whatever the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceid_optout.plan.durations import spoken
from voiceid_optout.plan.model import Action

if TYPE_CHECKING:
    from voiceid_optout.plan.model import Plan

_WORTH_SAYING_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Pace:
    """Calls a second that the quotas allow; opting out and deleting have quotas of their own."""

    opt_out: float
    delete: float

    def seconds(self, plan: Plan) -> float:
        """Return how long the plan's calls take: both kinds run side by side."""
        counts = plan.counts
        return max(
            (counts[Action.OPT_OUT] + counts[Action.REPAIR]) / self.opt_out, counts[Action.RELEASE] / self.delete
        )

    def words(self, plan: Plan) -> str:
        """Return the same for people, empty for what is done at once."""
        seconds = self.seconds(plan)
        if seconds < _WORTH_SAYING_SECONDS:
            return ""
        slow = self.opt_out if seconds * self.delete > plan.counts[Action.RELEASE] else self.delete
        return f"about {spoken(seconds)} at {slow:g} calls a second"
