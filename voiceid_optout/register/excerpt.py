"""The part of a register file that an edit concerns: what is edited and judged in the place of all of it.

An edit of a million lines changes a few of them. To measure and judge the whole text twice more takes longer than
to read it, and says nothing new: whole entries of a list, from the line of a dash to the line of a later one at the
same column, can be left out, and a YAML parser reads all else as before. Kept are all lines outside of the lists,
both ends of each list, and the neighbours of what is touched, on which style and comments of an edit depend.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from voiceid_optout.register import Entry
from voiceid_optout.register.edit import CannotEdit
from voiceid_optout.register.faults import Location
from voiceid_optout.register.layout import LINE_END, Patch, line_starts

LEAST = 1000  # entries that are left out at once; fewer take no time
_NEAR = 2  # entries that are kept on either side
_DASH = re.compile(r"( *)- +")


@dataclass(frozen=True, slots=True)
class _Gap:
    """What is left out, in the whole text: offsets, and lines from 0."""

    start: int
    end: int
    first_line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A file without some of its entries; ``entries`` are those that are left, where they are in it."""

    text: str = field(repr=False)
    entries: tuple[Entry, ...] = field(repr=False)
    _gaps: tuple[_Gap, ...]

    @classmethod
    def of(
        cls, text: str, entries: Sequence[Entry], touched: Collection[Location], least: int = LEAST
    ) -> "Excerpt":
        """Take out of a file, with its entries in order, what is far from the places that are touched."""
        lines = {place.line for place in touched}
        kept = _kept(entries, [number for number, each in enumerate(entries) if each.line in lines])
        starts = line_starts(text)
        gaps: list[_Gap] = []
        left: list[Entry] = []
        for before, after in pairwise([-1, *kept, len(entries)]):
            gap = None
            if after < len(entries) and after - before > least:
                gap = _gap(text, starts, entries[before + 1].location, entries[after].location)
            if gap is None:
                left += entries[before + 1 : after]
            else:
                gaps.append(gap)
            left += entries[after : after + 1]
        ends = [0, *(gap.end for gap in gaps)]
        pieces = [text[end : gap.start] for end, gap in zip(ends, gaps, strict=False)]
        made = cls("".join([*pieces, text[ends[-1] :]]), (), tuple(gaps))
        return cls(made.text, tuple(each.at(made.within(each.location)) for each in left), made._gaps)

    def within(self, place: Location) -> Location:
        """Return where something that is kept is in the excerpt."""
        out = sum(gap.end_line - gap.first_line for gap in self._gaps if gap.end_line < place.line)
        return place._replace(line=place.line - out)

    def patches(self, patches: Sequence[Patch]) -> list[Patch]:
        """Return patches of the excerpt as those of the whole text; raises CannotEdit where one touches a gap."""
        places = self._places()
        left_out = list(accumulate((gap.end - gap.start for gap in self._gaps), initial=0))
        found = []
        for patch in patches:
            number = bisect_right(places, patch.end)
            if number and places[number - 1] >= patch.start:
                raise CannotEdit("an excerpt")
            found.append(Patch(patch.start + left_out[number], patch.end + left_out[number], patch.text))
        return found

    def after(self, place: Location, patches: Sequence[Patch]) -> Location:
        """Return where something in the patched excerpt is in the whole text, patched."""
        line = place.line
        for at, gap in zip(self._places(), self._gaps, strict=True):
            start = self._line(at) + sum(self._growth(patch) for patch in patches if patch.end < at)
            line += (gap.end_line - gap.first_line) * (start < place.line)
        return place._replace(line=line)

    def _places(self) -> list[int]:
        """Return the offsets at which something is left out."""
        out = accumulate((gap.end - gap.start for gap in self._gaps), initial=0)
        return [gap.start - before for gap, before in zip(self._gaps, out, strict=False)]

    def _line(self, offset: int) -> int:
        return len(LINE_END.findall(self.text, 0, offset))

    def _growth(self, patch: Patch) -> int:
        gone = len(LINE_END.findall(self.text, patch.start, patch.end))
        return len(LINE_END.findall(patch.text)) - gone


def _kept(entries: Sequence[Entry], touched: Collection[int]) -> list[int]:
    """Return the numbers of the entries that stay: those touched, the ends of each list, and what is near them."""
    count = len(entries)
    ends = {0, *(at for at in range(1, count) if entries[at].ensure is not entries[at - 1].ensure), count}

    def near(place: int, behind: int) -> Iterator[int]:
        return (number for number in range(place - _NEAR, place + _NEAR + behind) if 0 <= number < count)

    return sorted({*(n for each in ends for n in near(each, 0)), *(n for each in touched for n in near(each, 1))})


def _gap(text: str, starts: Sequence[int], first: Location, end: Location) -> _Gap | None:
    """Return what lies between the lines of two entries of a list; None if their dashes are not on these lines."""
    indents = []
    for place in (first, end):
        line = starts[min(place.line, len(starts)) - 1]
        dash = _DASH.match(text, line)
        if dash is None or dash.end() != line + place.column - 1:
            return None
        indents.append(dash[1])
    if indents[0] != indents[1]:
        return None
    return _Gap(starts[first.line - 1], starts[end.line - 1], first.line - 1, end.line - 1)
