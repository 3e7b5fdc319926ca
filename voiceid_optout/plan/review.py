"""A plan as people and machines get to see it: with places, reasons, digest, duration and what the guard says."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from voiceid_optout.plan import digest as digests
from voiceid_optout.plan import words
from voiceid_optout.plan.digest import Purpose, Scope
from voiceid_optout.plan.model import Action
from voiceid_optout.plan.words import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.plan.guard import Refusal
    from voiceid_optout.plan.model import Plan, Step


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
        return f"about {format_duration(seconds)} at {slow:g} calls a second"


_DOMAINS_SHOWN = 10
_PLACE_LENGTH = 300
_TITLES = {
    Purpose.UP: "Plan for stack",
    Purpose.DESTROY: "Plan to destroy stack",
    Purpose.REFRESH: "Drift in stack",
    Purpose.DRIFT: "Drift in stack",
}


@dataclass(frozen=True)
class Review:
    """What every form of a plan is made from.

    ``places`` gives the register's ``file:line`` by label, ``because`` the register's reason of a release;
    ``refusal`` is None for a plan the guard lets pass, ``pace`` where nothing is to be done. ``former`` gives the
    register's ``file:line`` of before, and its commit, for those whom it no longer lists.
    """

    plan: Plan
    scope: Scope
    places: Mapping[str, str] = field(default_factory=dict, repr=False)
    because: Mapping[str, str] = field(default_factory=dict, repr=False)
    refusal: Refusal | None = None
    pace: Pace | None = None
    former: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """The plan's digest, in full."""
        return digests.digest(self.plan, self.scope)

    @property
    def summary(self) -> str:
        """The counts in one line, and how long it takes if that is worth saying."""
        duration = self.pace.words(self.plan) if self.pace is not None else ""
        return f"{words.summary(self.plan)}; {duration}" if duration else words.summary(self.plan)

    @property
    def title(self) -> str:
        """What this is, and of which stack: ``Plan for stack production``."""
        return f"{_TITLES[self.scope.purpose]} {self.scope.stack}"

    @property
    def domains(self) -> str:
        """The domains of the plan's steps in one line, such as ``domains A, B``; empty without any."""
        found = [words.clean(domain) for domain in self.plan.domains]
        if not found:
            return ""
        left = f" and {len(found) - _DOMAINS_SHOWN:,} more" if len(found) > _DOMAINS_SHOWN else ""
        return f"domain{'s' if len(found) > 1 else ''} {', '.join(found[:_DOMAINS_SHOWN])}{left}"

    @property
    def where(self) -> str:
        """Where the calls go, for above the rows: endpoint, region and domains in one line."""
        return ", ".join(filter(None, (words.clean(self.scope.place, _PLACE_LENGTH), self.domains)))

    @property
    def is_plan(self) -> bool:
        """Whether this is something to approve, rather than a report of what is."""
        return self.scope.purpose in (Purpose.UP, Purpose.DESTROY)

    @cached_property
    def steps(self) -> list[Step]:
        """The steps in the order of the register; what it no longer lists comes last."""
        return sorted(self.plan.steps, key=lambda step: _position(self.place(step)))

    def place(self, step: Step) -> str:
        """Return the register's line, empty when it has none."""
        return self.places.get(step.label, "")

    def shown_place(self, step: Step) -> str:
        """Return the register's line, or ``was config/people.yaml:14 (1a2b3c4)``; empty for neither."""
        was = self.former.get(step.label, "")
        return self.place(step) or (f"was {was}" if was else "")

    def reason_of_release(self, step: Step) -> str:
        """Return why somebody is released, as one line of a sane length; empty for every other step."""
        return words.clean(self.because.get(step.label, "")) if step.action is Action.RELEASE else ""


def _position(place: str) -> tuple[bool, str, int]:
    file, _, line = place.rpartition(":")
    return not file, file, int(line or 0)


class Renderer(Protocol):
    """Makes one form of a plan: text, Markdown, HTML or JSON, each a module with a ``render``.

    - It is pure: the same review gives the same text.
    - It says where the run goes, the counts, the guard's refusal if there is one, and the digest. Rows that it has
      no room for are counted, and none is left out in silence.
    - What comes from outside (labels, reasons, places) is made safe for the form. A review holds no identifier, so
      none is in the text.
    """

    def __call__(self, review: Review, /) -> str:
        """Return the whole text."""
        ...
