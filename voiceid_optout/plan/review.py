"""A plan as people and machines get to see it: places, reasons, digest, duration, what the guard says, in words.

The words, durations, and the choice of rows of a long plan are the same in every form that a plan has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from voiceid_optout.foreign_text import one_line
from voiceid_optout.plan import Action, Purpose, Scope, digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voiceid_optout.plan import Change, Plan, Step
    from voiceid_optout.plan.guard import Refusal


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
    register's ``file:line`` of before, and its commit, for those whom it no longer lists. ``links`` gives the
    address of that line, of now or of before, with nothing in it that would mean something in Markdown or HTML;
    ``tickets`` where a request is filed, as free text. Neither is in the digest.
    """

    plan: Plan
    scope: Scope
    places: Mapping[str, str] = field(default_factory=dict, repr=False)
    because: Mapping[str, str] = field(default_factory=dict, repr=False)
    refusal: Refusal | None = None
    pace: Pace | None = None
    former: Mapping[str, str] = field(default_factory=dict, repr=False)
    links: Mapping[str, str] = field(default_factory=dict, repr=False)
    tickets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """The plan's digest, in full."""
        return digest(self.plan, self.scope)

    @property
    def summary(self) -> str:
        """The counts in one line, and how long it takes if that is worth saying."""
        duration = self.pace.words(self.plan) if self.pace is not None else ""
        return f"{summary(self.plan)}; {duration}" if duration else summary(self.plan)

    @property
    def title(self) -> str:
        """What this is, and of which stack: ``Plan for stack production``."""
        return f"{_TITLES[self.scope.purpose]} {self.scope.stack}"

    @property
    def domains(self) -> str:
        """The domains of the plan's steps in one line, such as ``domains A, B``; empty without any."""
        found = [clean(domain) for domain in self.plan.domains]
        if not found:
            return ""
        left = f" and {len(found) - _DOMAINS_SHOWN:,} more" if len(found) > _DOMAINS_SHOWN else ""
        return f"domain{'s' if len(found) > 1 else ''} {', '.join(found[:_DOMAINS_SHOWN])}{left}"

    @property
    def where(self) -> str:
        """Where the calls go, for above the rows: endpoint, region and domains in one line."""
        return ", ".join(filter(None, (clean(self.scope.place, _PLACE_LENGTH), self.domains)))

    @property
    def is_plan(self) -> bool:
        """Whether this is something to approve, rather than a report of what is."""
        return self.scope.purpose in (Purpose.UP, Purpose.DESTROY)

    @cached_property
    def steps(self) -> list[Step]:
        """The steps in the order of the register; what it no longer lists comes last.

        Each is a number while they are sorted, of its line and its place in the plan: a million tuples take memory.
        """
        steps = self.plan.steps
        found: defaultdict[str, list[int]] = defaultdict(list)  # by file
        for number, step in enumerate(steps):
            file, _, line = self.place(step).rpartition(":")
            found[file].append(int(line or 0) * len(steps) + number)
        files = sorted(found, key=lambda file: (not file, file))
        return [steps[place % len(steps)] for file in files for place in sorted(found[file])]

    def place(self, step: Step) -> str:
        """Return the register's line, empty when it has none."""
        return self.places.get(step.label, "")

    def shown_place(self, step: Step) -> str:
        """Return the register's line, or ``was config/people.yaml:14 (1a2b3c4)``; empty for neither."""
        was = self.former.get(step.label, "")
        return self.place(step) or (f"was {was}" if was else "")

    def link(self, step: Step) -> str:
        """Return the address of the line that :meth:`shown_place` names; empty where none is known."""
        return self.links.get(step.label, "")

    def ticket(self, step: Step) -> str:
        """Return where the request is filed, as one short line; empty where the register does not say."""
        return clean(self.tickets.get(step.label, ""), TICKET_LENGTH)

    @property
    def note(self) -> str:
        """What a reviewer should know about rows that read worse than they are; empty without such rows."""
        return _NOTE if self.scope.purpose is Purpose.UP and self.plan.counts[Action.FORGET] else ""

    def reason_of_release(self, step: Step) -> str:
        """Return why somebody is released, as one line of a sane length; empty for every other step."""
        return clean(self.because.get(step.label, "")) if step.action is Action.RELEASE else ""


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


_NOTE = (
    "“Stop managing” calls nothing in the service: whoever is opted out there stays opted out. Only the lines have "
    "left the register, so later checks do not cover these people. If a line went by mistake, put it back."
)
TICKET_LENGTH = 60  # characters of a ticket that a row shows
REASON_LENGTH = 120  # characters of a free text that a row shows; the register has all of it
NOTHING = "none"

SYMBOLS = {
    Action.OPT_OUT: "+",
    Action.REPAIR: "!",
    Action.RELEASE: "-",
    Action.FORGET: "·",
    Action.MOVE: "→",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.REPLACE: "±",
}
VERBS = {
    Action.OPT_OUT: "opt out",
    Action.REPAIR: "repair",
    Action.RELEASE: "release",
    Action.FORGET: "stop managing",
    Action.MOVE: "move",
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.DELETE: "delete",
    Action.REPLACE: "replace",
}
_PAST = {
    Action.OPT_OUT: "opted out",
    Action.REPAIR: "repaired",
    Action.RELEASE: "released",
    Action.FORGET: "no longer managed",
    Action.MOVE: "moved",
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.DELETE: "deleted",
    Action.REPLACE: "replaced",
}


def summary(plan: Plan) -> str:
    """Return the counts in one line, such as ``12 to opt out, 1 to release, 3 unchanged``."""
    return ", ".join(filter(None, [planned(plan), f"{plan.unchanged:,} unchanged"]))


def planned(plan: Plan) -> str:
    """Return what is to be done in one line, such as ``12 to opt out, 1 to release``."""
    counts = plan.counts
    return ", ".join(f"{counts[action]:,} to {verb}" for action, verb in VERBS.items() if counts[action])


def past(plan: Plan) -> str:
    """Return what was done in one line, such as ``12 opted out, 1 released``."""
    counts = plan.counts
    return ", ".join(f"{counts[action]:,} {word}" for action, word in _PAST.items() if counts[action])


def more(count: int) -> str:
    """Return what stands for rows that are left out, such as ``… 4,211 more rows …``."""
    return f"… {count:,} more {'row' if count == 1 else 'rows'} …"


def changed(change: Change | None) -> str:
    """Return a change in words, such as ``status: ENROLLED → OPTED_OUT``; empty for none."""
    return "" if change is None else f"{change.field}: {change.before or NOTHING} → {change.after or NOTHING}"


def clean(text: str, length: int = REASON_LENGTH) -> str:
    """Return a free text as one line of at most ``length`` characters, safe to print."""
    return one_line(text, length)


_MINUTE = 60  # seconds, and minutes of an hour


def format_duration(seconds: float) -> str:
    """Return a duration in the unit that suits it: ``12 s``, ``7 min``, ``1 h 20 min``."""
    if seconds < 1:
        return "less than 1 s"
    if round(seconds) < _MINUTE:
        return f"{round(seconds)} s"
    minutes = round(seconds / _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min"
    hours, rest = divmod(minutes, _MINUTE)
    return f"{hours:,} h {rest} min" if rest else f"{hours:,} h"


@dataclass(frozen=True, slots=True)
class Gap:
    """Stands for ``count`` rows that are left out."""

    count: int


def shares(counts: Mapping[Action, int], room: int) -> dict[Action, int]:
    """Divide ``room`` so that nobody gets more than they have, and a few of one kind are not lost among many."""
    given: dict[Action, int] = {}
    waiting = sorted(counts, key=counts.__getitem__)
    for position, key in enumerate(waiting):
        given[key] = min(counts[key], room // (len(waiting) - position))
        room -= given[key]
    return given


def cut(steps: Sequence[Step], room: int) -> list[Step | Gap]:
    """Return at most ``room`` of the steps in their order, and gaps in place of the others.

    Each action keeps its first and its last ones: a release does not disappear among a thousand opt-outs.
    """
    if len(steps) <= room:
        return list(steps)
    counts = Counter(step.action for step in steps)
    given = shares(counts, room)
    seen: Counter[Action] = Counter()
    shown: list[Step | Gap] = []
    left_out = 0
    for step in steps:
        before = seen[step.action]
        after = counts[step.action] - before - 1
        seen[step.action] += 1
        if before >= (given[step.action] + 1) // 2 and after >= given[step.action] // 2:
            left_out += 1
            continue
        if left_out:
            shown.append(Gap(left_out))
            left_out = 0
        shown.append(step)
    return [*shown, Gap(left_out)] if left_out else shown
