"""The text of a register file: where things are in it, patches to it, and the diff that they make.

Places come from one pass over the parser's events, as offsets in characters. Among them are the comments of an
entry that moves, and the section that lists people without opting them out. The diff is made from the patches
themselves: to find the differences of two long lists again takes hours where lines repeat. A line that is shown
is redacted: it is left without what it says about people.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol

from yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from voiceid_optout.register.edit import CannotEdit
from voiceid_optout.register.events import open_parser
from voiceid_optout.register.fields import SPEAKERS


class Place(Protocol):
    """What the marks of both of PyYAML's parsers have; from 0."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of people: ``flow`` if it stands in brackets; ``start`` is its bracket or its first dash.

    ``items``: where each value starts and ends. ``key_start``, ``key_end``: None for a list that is the document.
    """

    flow: bool
    start: int
    end: int
    items: tuple[tuple[int, int], ...] = field(repr=False)
    key_start: int | None = None
    key_end: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A valid register file, measured; ``text`` ends with a line end.

    ``flow``: the document itself stands in brackets. ``keys``: name, start, and end of the value, in order; none
    for a document that is a list. ``end``: where one more line at the bottom goes.
    """

    file: str
    text: str = field(repr=False)
    lists: dict[str, Listing]
    flow: bool
    keys: tuple[tuple[str, int, int], ...]
    end: int
    line_starts: list[int] = field(repr=False)

    def line(self, offset: int) -> int:
        """Return the number, from 0, of the line that holds an offset."""
        return min(bisect_right(self.line_starts, offset), len(self.line_starts) - 1) - 1

    def line_text(self, line: int) -> str:
        """Return a line without its end."""
        return self.text[self.line_starts[line] : self.line_starts[line + 1]].rstrip("\r\n")

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place as people count, from 1."""
        return self.line_starts[line - 1] + column - 1

    def column(self, offset: int) -> int:
        """Return the column, from 0."""
        return offset - self.line_starts[self.line(offset)]

    def unusual(self, offset: int) -> CannotEdit:
        """Return the refusal of what stands at an offset."""
        return CannotEdit(f"{self.file}:{self.line(offset) + 1}")

    def first_line(self, listing: Listing, item: int) -> int:
        """Return the line of an item's dash; raises CannotEdit where something else stands before it."""
        dash = re.compile(rf" {{{self.column(listing.start)}}}-(?=\s|\Z)")
        line = self.line(listing.items[item][0])
        lowest = self.line(listing.start)
        while line >= lowest:
            if dash.match(self.line_text(line)):
                return line
            line -= 1
        raise self.unusual(listing.items[item][0])

    def last_line(self, listing: Listing, item: int) -> int:
        """Return the last line of an item, with comments that are indented deeper than its dash."""
        start, end = listing.items[item]
        line = self.line(max(start, end - 1))
        while not self.line_text(line).strip():  # a block of text may claim the blank lines after it
            line -= 1
        deeper = re.compile(rf" {{{self.column(listing.start) + 1},}}#")
        while line + 2 < len(self.line_starts) and deeper.match(self.line_text(line + 1)):
            line += 1
        return line


def read_layout(text: str, file: str) -> Layout:
    """Measure a text that the loader found valid."""
    starts = line_starts(text)
    next_event: Callable[[], Event] = open_parser(text.encode()).get_event  # type: ignore[assignment]
    for _ in range(2):
        next_event()
    root = next_event()
    lists: dict[str, Listing] = {}
    keys: list[tuple[str, int, int]] = []
    if isinstance(root, SequenceStartEvent):
        lists[SPEAKERS.name] = _listing(next_event, root, starts)
        end = lists[SPEAKERS.name].end
    else:
        end = _offset(root.start_mark, starts)
        while isinstance(key := next_event(), ScalarEvent):
            key_start, key_end = _offset(key.start_mark, starts), _offset(key.end_mark, starts)
            value = next_event()
            end = _offset(value.end_mark, starts)
            if isinstance(value, SequenceStartEvent):
                lists[key.value] = _listing(next_event, value, starts, key_start, key_end)
                end = lists[key.value].end
            keys.append((key.value, key_start, end))
    document_end = next_event()
    explicit = isinstance(document_end, DocumentEndEvent) and document_end.explicit
    bottom = _offset(document_end.start_mark, starts) if explicit else len(text)
    return Layout(file, text, lists, bool(getattr(root, "flow_style", False)), tuple(keys), bottom, starts)


def _listing(
    next_event: Callable[[], Event],
    start: SequenceStartEvent,
    starts: list[int],
    key_start: int | None = None,
    key_end: int | None = None,
) -> Listing:
    items: list[tuple[int, int]] = []
    begin = 0
    depth = 0
    last: Event = start
    while True:
        event = next_event()
        if isinstance(event, SequenceEndEvent) and depth == 0:
            break
        if isinstance(event, CollectionStartEvent):
            depth += 1
            if depth == 1:
                begin = _offset(event.start_mark, starts)
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
            # The end of a mapping without braces is marked where the next thing begins.
            closed = event if isinstance(event, MappingEndEvent) and _is_brace(event) else last
            items.append((begin, _offset(closed.end_mark, starts)))
        elif depth == 0:
            items.append((_offset(event.start_mark, starts), _offset(event.end_mark, starts)))
        last = event
    flow = bool(start.flow_style)
    end = _offset(event.end_mark, starts) if flow else items[-1][1]
    return Listing(flow, _offset(start.start_mark, starts), end, tuple(items), key_start, key_end)


def _is_brace(event: MappingEndEvent) -> bool:
    """Whether the end is written: only a closing brace has a width."""
    start, end = event.start_mark, event.end_mark
    return start is not None and end is not None and (start.line, start.column) != (end.line, end.column)


def _offset(mark: Place | None, starts: list[int]) -> int:
    assert mark is not None  # noqa: S101 - for the type checker: both parsers mark every event
    return min(starts[min(mark.line, len(starts) - 1)] + mark.column, starts[-1])


BEGIN = "# not opted out in the service (renewed by `optout adopt --include-enrolled`):"
END = "# end of those not opted out in the service"

_BREAK = r"(?:\r\n|\r|\n)"
_SECTION = re.compile(
    rf"^[ ]*{re.escape(BEGIN)}[ ]*{_BREAK}"
    rf"(?:[ ]*#(?! end of)[^\r\n]*{_BREAK})*"
    rf"[ ]*{re.escape(END)}[ ]*(?:{_BREAK}|\Z)",
    re.MULTILINE,
)
_HEADER = re.compile(r"[|>][-+0-9]*")  # of a block of text; the text begins a line further down
_COMMENT = re.compile(r"(?:^|\s)(#.*)$")


def section(people: Sequence[tuple[str, str]], indent: int, line_end: str) -> str:
    """Return the comment lines for ids and statuses; nothing for nobody."""
    if not people:
        return ""
    lines = [BEGIN, *(f"# - {speaker_id}  # {status}" for speaker_id, status in people), END]
    return "".join(f"{' ' * indent}{line}{line_end}" for line in lines)


def find_sections(text: str) -> list[tuple[int, int]]:
    """Return where earlier sections stand, whole lines."""
    return [match.span() for match in _SECTION.finditer(text)]


def comments_in(lines: Sequence[str]) -> list[str]:
    """Return the comments in the lines of one entry, each from its ``#`` on."""
    covered = [0] * (len(lines) + 1)  # up to which column a line is text
    next_event = open_parser("\n".join(lines).encode()).get_event
    while (event := next_event()) is not None:
        if isinstance(event, ScalarEvent) and event.start_mark is not None and event.end_mark is not None:
            start, end = event.start_mark, event.end_mark
            covered[end.line] = end.column
            for line in range(start.line, end.line):
                covered[line] = len(lines[line])
            if (header := _HEADER.match(lines[start.line], start.column)) and event.style in ("|", ">"):
                covered[start.line] = header.end()
    found = (_COMMENT.search(line[column:]) for line, column in zip(lines, covered, strict=False))
    return [match[1] for match in found if match]


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
    r"([ ]*)((?:- +)?)((?:(?:id|requested_on|review_on|reason|ticket|speakers|released|domain):(?: +|$))?)(.*)"
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
