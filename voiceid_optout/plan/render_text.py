"""A plan as lines for people: a summary, where it goes, a row a step, what the guard says, and the digest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from voiceid_optout.plan import short
from voiceid_optout.plan.review import SYMBOLS, VERBS, Gap, changed, clean, cut, more

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voiceid_optout.plan import Step
    from voiceid_optout.plan.review import Review

ROWS_SHOWN = 200
_INDENT = "  "
_BELOW = "      "


class Tone(StrEnum):
    """What a line is about: where there are colours, they follow it."""

    TITLE = "title"
    PLAIN = "plain"
    GOOD = "good"
    CHANGE = "change"
    WARNING = "warning"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; ``text`` may hold a line break where a row needs two."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Row:
    """One step in words. ``place`` is ``file:line`` of the register, where that was, or empty."""

    symbol: str
    action: str
    label: str
    place: str
    reason: str


_TONES = {"+": Tone.GOOD, "!": Tone.WARNING, "-": Tone.LOSS, "±": Tone.LOSS, "~": Tone.CHANGE}


def render(review: Review) -> str:
    """Return the plan as plain text, as a file or a log has it."""
    return "".join(f"{line.text}\n" for line in lines(review))


def lines(review: Review, width: int | None = None, limit: int = ROWS_SHOWN, *, rows: bool = True) -> list[Line]:
    """Return the whole plan, at most ``limit`` of its rows; without ``rows`` what stands around them.

    Where a row would exceed ``width`` columns, it has its reason on a line below.
    """
    found = [Line(f"{review.title}: {review.summary}", Tone.TITLE), Line(f"Endpoint: {review.where}")]
    if rows:
        found += _rows(review, width, limit)
    if review.refusal is not None:
        found.append(Line(f"The guard would refuse this: {review.refusal.reasons}.", Tone.WARNING))
        found.append(Line(f"To do exactly this all the same: {review.refusal.override}", Tone.WARNING))
    if review.is_plan and review.plan.steps:
        found.append(Line(f"Digest: {short(review.digest)}"))
    return found


def row(review: Review, step: Step) -> Row:
    """Return a step in words."""
    why = review.reason_of_release(step)
    reason = f'{step.reason} because "{why}"' if why else step.reason
    ticket = review.ticket(step)
    end = f" (ticket {ticket})" if ticket else ""
    # A label or a status may come from elsewhere: nothing in it may reach a terminal as it is.
    return Row(
        SYMBOLS[step.action],
        VERBS[step.action],
        clean(step.label),
        review.shown_place(step),
        clean(reason, 200) + end,
    )


def _rows(review: Review, width: int | None, limit: int) -> list[Line]:
    shown = cut(review.steps, limit)
    rows = [row(review, item) for item in shown if not isinstance(item, Gap)]
    texts = iter(zip(rows, aligned(rows, width), strict=True))
    found = []
    for item in shown:
        if isinstance(item, Gap):
            found.append(Line(f"{_INDENT}{more(item.count)}"))
        else:
            made, text = next(texts)
            found.append(Line(text, _TONES.get(made.symbol, Tone.PLAIN)))
    return found


def aligned(rows: Sequence[Row], width: int | None = None) -> list[str]:
    """Return each row in aligned columns; one that exceeds ``width`` has its reason on a line of its own."""
    actions, labels, places = (max((len(part) for part in column), default=0) for column in _columns(rows))
    heads = [
        f"{_INDENT}{row.symbol} {row.action:<{actions}}  {row.label:<{labels}}  {row.place:<{places}}"
        for row in rows
    ]
    return [_joined(head, row.reason, width) for head, row in zip(heads, rows, strict=True)]


def _joined(head: str, reason: str, width: int | None) -> str:
    line = f"{head}  {reason}"
    return line if width is None or len(line) <= width else f"{head.rstrip()}\n{_BELOW}{reason}"


def _columns(rows: Sequence[Row]) -> tuple[list[str], list[str], list[str]]:
    return [row.action for row in rows], [row.label for row in rows], [row.place for row in rows]


DIFFERENCES_SHOWN = 20


def step_lines(steps: Sequence[Step], places: Mapping[str, str], limit: int = DIFFERENCES_SHOWN) -> list[str]:
    """Return a line a step, at most ``limit`` of them and a count of the others."""
    shown = [_difference(step, places.get(step.label, "")) for step in steps[:limit]]
    return [*shown, f"  {more(len(steps) - limit)}"] if len(steps) > limit else shown


def _difference(step: Step, place: str) -> str:
    # Some of these come from a file: nothing in it may reach a terminal as it is.
    parts = (f"{SYMBOLS[step.action]} {VERBS[step.action]}", step.label, place, changed(step.change))
    return "  " + "  ".join(clean(part) for part in parts if part)
