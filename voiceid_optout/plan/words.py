"""What every form of a plan says in the same way: words, durations, and which rows of a long plan it shows."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceid_optout.foreign_text import one_line
from voiceid_optout.plan.model import Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voiceid_optout.plan.model import Change, Plan, Step


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


def people(count: int) -> str:
    """Return a number of people in words, such as ``1 person`` or ``1,200 people``."""
    return f"{count:,} {'person' if count == 1 else 'people'}"


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
    """Return a duration in the unit it is best told in: ``12 s``, ``7 min``, ``1 h 20 min``."""
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
    given = shares(Counter(step.action for step in steps), room)
    positions: defaultdict[Action, list[int]] = defaultdict(list)
    for position, step in enumerate(steps):
        positions[step.action].append(position)
    kept = {position for action, found in positions.items() for position in _ends(found, given[action])}
    shown: list[Step | Gap] = []
    left_out = 0
    for position, step in enumerate(steps):
        if position not in kept:
            left_out += 1
            continue
        if left_out:
            shown.append(Gap(left_out))
            left_out = 0
        shown.append(step)
    return [*shown, Gap(left_out)] if left_out else shown


def _ends(positions: list[int], count: int) -> list[int]:
    first = (count + 1) // 2
    return positions[:first] + positions[len(positions) - (count - first) :]
