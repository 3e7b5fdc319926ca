"""What patches do to a text, as a unified diff.

Made from the patches themselves: to find the differences of two long lists again takes hours where lines repeat.

A line that is shown is redacted: it is left without what it says about people.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
LINE_END = re.compile(r"\r\n|\r|\n")


def line_starts(text: str) -> list[int]:
    """Return the offsets of all lines, and of the end of the text."""
    return list(accumulate(map(len, LINE.findall(text)), initial=0))


@dataclass(frozen=True, slots=True)
class Patch:
    """Put ``text`` where ``start`` to ``end`` (offsets) was; nothing was there if they are the same."""

    start: int
    end: int
    text: str = field(default="", repr=False)


def apply(text: str, patches: Iterable[Patch]) -> str:
    """Return the text with all patches made; those at one place in their order."""
    pieces: list[str] = []
    done = 0
    for patch in sorted(patches, key=lambda patch: (patch.start, patch.end)):
        pieces += (text[done : patch.start], patch.text)
        done = max(done, patch.end)
    pieces.append(text[done:])
    return "".join(pieces)


CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that change: from ``first`` (from 0) on, ``old`` of them become ``new``."""

    first: int
    old: int
    new: tuple[str, ...]


def hunks(text: str, patches: Sequence[Patch]) -> list[Hunk]:
    """Return what patches do to whole lines, from the top on."""
    starts = line_starts(text)
    parts: list[tuple[int, int, list[Patch]]] = []
    for patch in sorted(patches, key=lambda patch: (patch.start, patch.end)):
        begin = starts[bisect_right(starts, patch.start) - 1]
        end = starts[bisect_left(starts, patch.end)]
        if parts and begin <= parts[-1][1]:
            begin, end, patches_here = parts[-1][0], max(end, parts[-1][1]), parts.pop()[2]
        else:
            patches_here = []
        parts.append((begin, end, [*patches_here, patch]))
    found = []
    for begin, end, patches_here in parts:
        first = bisect_left(starts, begin)
        moved = [Patch(patch.start - begin, patch.end - begin, patch.text) for patch in patches_here]
        new = LINE.findall(apply(text[begin:end], moved))
        found.append(Hunk(first, bisect_left(starts, end) - first, tuple(line.rstrip("\r\n") for line in new)))
    return [hunk for hunk in found if hunk.old or hunk.new]


def unified(
    lines: Sequence[str], hunks: Sequence[Hunk], file: str, shown: Callable[[str], str] = str
) -> Iterator[str]:
    """Yield the lines of a diff without line ends; ``shown`` makes of each line what may be seen of it."""
    yield f"--- a/{file}"
    yield f"+++ b/{file}"
    grown = 0
    for group in _groups(hunks):
        top = max(0, group[0].first - CONTEXT)
        bottom = min(len(lines), group[-1].first + group[-1].old + CONTEXT)
        growth = sum(len(hunk.new) - hunk.old for hunk in group)
        yield f"@@ -{_span(top, bottom - top)} +{_span(top + grown, bottom - top + growth)} @@"
        grown += growth
        for hunk in group:
            yield from (f" {shown(line)}" for line in lines[top : hunk.first])
            top = hunk.first + hunk.old
            yield from (f"-{shown(line)}" for line in lines[hunk.first : top])
            yield from (f"+{shown(line)}" for line in hunk.new)
        yield from (f" {shown(line)}" for line in lines[top:bottom])


def _span(start: int, length: int) -> str:
    return f"{start + (length > 0)},{length}"


def _groups(hunks: Sequence[Hunk]) -> Iterator[list[Hunk]]:
    """Yield hunks together whose surroundings touch."""
    group: list[Hunk] = []
    for hunk in hunks:
        if group and hunk.first - (group[-1].first + group[-1].old) > 2 * CONTEXT:
            yield group
            group = []
        group.append(hunk)
    if group:
        yield group


# At the very left only: further in, the same words may be part of a reason.
_DOMAIN = re.compile(r"""(domain: +(?:\w[\w.-]*|"\w[\w.-]*"|'\w[\w.-]*') *)(?:(# ?).*)?""")
_LINE = re.compile(
    r"([ ]*)((?:- +)?)((?:(?:id|requested_on|reason|ticket|speakers|released|domain):(?: +|$))?)(.*)"
)


def redacted(line: str) -> str:
    """Return a line with each value and comment as ``…``; keys, dashes and indentation stay."""
    match = _LINE.fullmatch(line)
    indent, dash, key, rest = match.groups() if match else ("", "", "", line)
    if rest.strip() in ("", "[]"):
        return line
    if (domain := _DOMAIN.fullmatch(line)) is not None:
        return f"{domain[1]}{domain[2]}…" if domain[2] else line
    return f"{indent}{dash}{key}{'# ' if rest.startswith('#') else ''}…"
