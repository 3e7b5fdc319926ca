"""A plan as GitHub's Markdown: summary and counts first, then a table an action, cut to what a comment may hold.

Foreign text stands there as code, where nothing in it means anything. Backslashes do not do it: mentions, issue
references and addresses are found in the finished page, after the escapes are gone. In code there are none of them,
nor links, HTML, emphasis or emoji.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from voiceid_optout.plan.review import VERBS, changed, clean, more, shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voiceid_optout.plan import Action, Step
    from voiceid_optout.plan.review import Review


_TICKS = re.compile(r"`+")
_BEFORE_PIPE = re.compile(r"\\(?=\\*\|)")


def code(text: str, length: int = 200) -> str:
    """Return the text as a code span for a paragraph; empty for an empty one.

    It is one line of at most ``length`` characters. The fence is longer than any run of backticks inside.
    """
    line = clean(text, length)
    if not line:
        return ""
    longest = max(map(len, _TICKS.findall(line)), default=0)
    fence = "`" * (longest + 1)
    # A blank at both ends is taken off again by whoever reads it, and keeps backticks apart.
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str, length: int = 200) -> str:
    """Return the text as a code span for a table's cell, where a bar would end the cell even in code."""
    # A backslash before a bar would be read as the bar's own: a blank between keeps both visible.
    return _BEFORE_PIPE.sub(r"\\ ", code(text, length)).replace("|", r"\|")


COMMENT_LENGTH = 65_536  # characters in a comment on GitHub
LEAST_LENGTH = 8_192  # room for everything but rows
_OVERRIDE_LENGTH = 1_000
_PLACE_LENGTH = 1_000
_SHORTEST_ROW = 16
_OPEN_UP_TO = 20  # rows that need no click to be seen
_WORDS = re.compile(r"[A-Za-z_,; -]+")
_HEAD = "| who | where | change | why |\n| --- | --- | --- | --- |\n"


@dataclass(frozen=True, slots=True)
class _Section:
    """The rows of one action: the first and last ones that could be shown at all."""

    action: Action
    count: int
    first: tuple[str, ...]
    last: tuple[str, ...]  # the last one of all comes first

    def text(self, shown: int) -> str:
        """Return the section with so many of its rows."""
        top, bottom = (shown + 1) // 2, shown // 2
        if shown == self.count:
            rows = "".join(self.first)
        else:
            gap = f"| {more(self.count - shown)} | | | |\n"
            rows = "".join([*self.first[:top], gap, *reversed(self.last[:bottom])])
        state = " open" if self.count <= _OPEN_UP_TO else ""
        title = f"<summary>{VERBS[self.action]}: {self.count:,}</summary>"
        return f"<details{state}>{title}\n\n{_HEAD}{rows}\n</details>\n"


def render(review: Review, limit: int = COMMENT_LENGTH) -> str:
    """Return the Markdown, at most ``limit`` characters; rows in the middle give way, counts never.

    Raises :class:`ValueError` for a limit under 8,192, which could not hold the rest.
    """
    if limit < LEAST_LENGTH:
        raise ValueError(f"a plan needs room for {LEAST_LENGTH:,} characters")
    head, foot = _top(review), _bottom(review)
    sections = _sections(review, limit // _SHORTEST_ROW)
    fits = _most(sections, limit - len(head) - len(foot) - 1)
    given = shares({section.action: section.count for section in sections}, fits)
    return "\n".join([head, *(section.text(given[section.action]) for section in sections), foot])


def _top(review: Review) -> str:
    where = f"Endpoint: {code(review.where, _PLACE_LENGTH)}\n"
    parts = [f"### {_title(review)}\n\n{review.summary}\n", where]
    counts = review.plan.counts
    rows = [f"| {verb} | {counts[action]:,} |\n" for action, verb in VERBS.items() if counts[action]]
    rows.append(f"| unchanged | {review.plan.unchanged:,} |\n")
    parts.append("| action | count |\n| --- | ---: |\n" + "".join(rows))
    if review.note:
        parts.append(f"> [!NOTE]\n> {review.note}\n")
    if review.refusal is not None:
        words = f"> [!WARNING]\n> **The guard would refuse this:** {review.refusal.reasons}.\n"
        command = review.refusal.override
        if len(command) <= _OVERRIDE_LENGTH:
            words += f"> To do exactly this all the same: {code(command, _OVERRIDE_LENGTH)}\n"
        parts.append(words)
    return "\n".join(parts)


def _title(review: Review) -> str:
    return f"{review.title.removesuffix(review.scope.stack)}{code(review.scope.stack)}"


def _bottom(review: Review) -> str:
    return f"Digest: `{review.digest}`\n" if review.is_plan else ""


def _sections(review: Review, most: int) -> list[_Section]:
    by_action: dict[Action, list[Step]] = {action: [] for action in VERBS}
    for step in review.steps:
        by_action[step.action].append(step)
    return [
        _Section(
            action,
            len(steps),
            tuple(_row(review, step) for step in steps[:most]),
            tuple(_row(review, step) for step in reversed(steps[-most:])),
        )
        for action, steps in by_action.items()
        if steps
    ]


def _row(review: Review, step: Step) -> str:
    why = review.reason_of_release(step)
    reason = f"{_plain(step)} because {cell(why)}" if why else _plain(step)
    if ticket := review.ticket(step):
        reason += f" (ticket {cell(ticket)})"
    place = cell(review.shown_place(step))
    if place and (link := review.link(step)):
        place = f"[{place}]({link})"
    return f"| {cell(step.label)} | {place} | {cell(changed(step.change))} | {reason} |\n"


def _plain(step: Step) -> str:
    """Return the reason: as it is where it is plain words, and as code where it could be anything."""
    return step.reason if _WORDS.fullmatch(step.reason) else cell(step.reason)


def _most(sections: Sequence[_Section], room: int) -> int:
    """Return how many rows fit into so many characters; more rows are never shorter."""
    total = sum(min(section.count, len(section.first)) for section in sections)
    counts = {section.action: section.count for section in sections}
    sizes = {section.action: _sizes(section) for section in sections}

    def length(rows: int) -> int:
        given = shares(counts, rows)
        return sum(sizes[section.action][min(given[section.action], len(section.first))] for section in sections)

    return bisect_right(range(total + 1), room, key=length) - 1


def _sizes(section: _Section) -> list[int]:
    """Return the length of the section and the line break after it, for every number of rows it can show."""
    top = [0, *accumulate(map(len, section.first))]
    bottom = [0, *accumulate(map(len, section.last))]
    bare = len(section.text(0)) + 1
    return [bare + top[(shown + 1) // 2] + bottom[shown // 2] for shown in range(len(section.first) + 1)]
