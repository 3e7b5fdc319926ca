"""What patches do to a text, as a unified diff.

Made from the patches themselves: to find the differences of two long lists again takes hours where lines repeat.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from voiceid_optout.register.edit.lines import LINE, line_starts
from voiceid_optout.register.edit.patch import Patch, apply

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
