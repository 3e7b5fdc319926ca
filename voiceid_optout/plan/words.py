"""Words for plans: what every form of a plan says in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voiceid_optout.foreign_text import one_line
from voiceid_optout.plan.model import Action

if TYPE_CHECKING:
    from voiceid_optout.plan.model import Change, Plan

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
