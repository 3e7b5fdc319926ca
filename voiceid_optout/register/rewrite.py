"""One file, from text to text: people put in and taken out, and everything else left byte for byte."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from voiceid_optout.register.edit import CannotEdit, Comments, Person, Style, block, flow
from voiceid_optout.register.faults import Location
from voiceid_optout.register.fields import DOMAIN_FIELD, LISTS, RELEASED, SPEAKERS, ListField
from voiceid_optout.register.layout import (
    LINE,
    LINE_END,
    Layout,
    Listing,
    Patch,
    apply,
    comments_in,
    find_sections,
    hunks,
    read_layout,
    section,
    unified,
)
from voiceid_optout.speakers import Ensure

_COMMA = re.compile(r"[ \t]*,[ \t]*")
_LATE_COMMA = re.compile(r"(?:\s|#[^\r\n]*)*,")  # on a later line, or behind a comment
_COLON = re.compile(r"\s*:")


@dataclass(frozen=True)
class Rewritten:
    """A file's new text, and how it came out of the old one, which ``missing`` the end of its last line."""

    file: str
    before: str = field(repr=False)
    patches: tuple[Patch, ...] = field(repr=False)
    missing: str = ""

    @cached_property
    def text(self) -> str:
        """The new text."""
        return apply(self.before + self.missing, self.patches).removesuffix(self.missing)

    def diff(self, shown: Callable[[str], str] = str) -> Iterator[str]:
        """Yield a unified diff without line ends; ``shown`` makes of each line what may be seen of it."""
        text = self.before + self.missing
        lines = [line.rstrip("\r\n") for line in LINE.findall(text)]
        yield from unified(lines, hunks(text, self.patches), self.file, shown)


def rewrite(
    text: str,
    file: str,
    *,
    add: Mapping[Ensure, Sequence[Person]],
    remove: Iterable[Location] = (),
    not_opted_out: Sequence[tuple[str, str]] | None = None,
) -> Rewritten:
    """Return a valid register file with people added at the end of their lists and others removed.

    ``remove`` holds places of entries. Comments stay where they are; those within a removed entry, and right above
    it, go with it, or to the person that replaces it. ``not_opted_out`` (ids and statuses) renews the section of
    comments about them; None leaves it alone. Raises CannotEdit for a layout that is not known, and for a comment
    that has no place where it would go. A caller judges the result before it uses it: see
    :func:`voiceid_optout.register.edit.verify`.
    """
    found = LINE_END.search(text)
    line_end = found.group() if found else "\n"
    missing = "" if text.endswith(("\n", "\r")) else line_end
    rewriting = _Rewriting(read_layout(text + missing, file), line_end)
    rewriting.edit({spec.name: add.get(spec.ensure, ()) for spec in LISTS.values()}, remove)
    if not_opted_out is not None:
        rewriting.renew_section(not_opted_out)
    return Rewritten(file, text, tuple(rewriting.patches), missing)


class _Rewriting:
    """Gathers the patches of one file."""

    def __init__(self, layout: Layout, line_end: str) -> None:
        self.layout = layout
        self.line_end = line_end
        self.patches: list[Patch] = []
        self.section_at: tuple[int, int] | None = None  # offset and indentation

    def edit(self, add: Mapping[str, Sequence[Person]], remove: Iterable[Location]) -> None:
        at = {self.layout.offset(place.line, place.column) for place in remove}
        for name, spec in LISTS.items():
            people, listing = add[name], self.layout.lists.get(name)
            if listing is None:
                if people:
                    self._new_list(spec, people)
                continue
            gone = [number for number, (start, _) in enumerate(listing.items) if start in at]
            empty = bool(gone) and len(gone) == len(listing.items) and not people
            if listing.key_end is None and add[RELEASED.name]:
                self._name_the_list(listing, empty=empty)
            if listing.flow:
                self._take_out_words(listing, set(gone))
            else:
                self._take_out_lines(listing, gone, empty=empty)
            if people:
                self._put_in(spec, listing, people)

    def renew_section(self, people: Sequence[tuple[str, str]]) -> None:
        for start, end in self._sections:
            self._patch(start, end)
        speakers = self.layout.lists.get(SPEAKERS.name)
        at, indent = self.section_at or (self.layout.end, 0)
        if self.section_at is None and speakers is not None:
            if not speakers.flow:
                at, indent = self._below(speakers), self._style(speakers).indent
            elif not self.layout.flow:
                at, indent = self._line_after(speakers.end), self._style(None).indent
        self._patch(at, at, section(people, indent, self.line_end))

    def _patch(self, start: int, end: int, text: str = "") -> None:
        self.patches.append(Patch(start, end, text))

    def _insert_lines(self, at: int, lines: str, style: Style) -> None:
        self._patch(at, at, lines)
        self.section_at = self.section_at or (at, style.indent)

    def _put_in(self, spec: ListField, listing: Listing, people: Sequence[Person]) -> None:
        if not listing.flow:
            style = self._style(listing)
            self._insert_lines(self._below(listing), self._lines(spec, people, style), style)
        elif listing.items:
            end = listing.items[-1][1]
            self._patch(end, end, f", {self._words(spec, people, end)}")
        elif listing.key_end is None and self.layout.column(listing.start) == 0 and self._is_hollow(listing):
            lines = self._lines(spec, people, self._style(None))
            self._patch(listing.start, listing.end, lines.removesuffix(self.line_end))
        elif (hole := self._hole(listing)) is not None:
            style = self._style(None)
            self._patch(*hole)
            self._insert_lines(self._line_after(hole[1]), self._lines(spec, people, style), style)
        else:
            self._patch(listing.start + 1, listing.start + 1, self._words(spec, people, listing.start))

    def _hole(self, listing: Listing) -> tuple[int, int] | None:
        """Return the span of `[]` and the blanks before it if lines can take its place; else None."""
        text = self.layout.text
        if self.layout.flow or listing.key_end is None or not self._is_hollow(listing):
            return None
        colon = _COLON.match(text, listing.key_end)
        if colon is None or text[colon.end() : listing.start].strip():
            return None
        return colon.end(), listing.end

    def _is_hollow(self, listing: Listing) -> bool:
        return not self.layout.text[listing.start + 1 : listing.end - 1].strip()

    def _new_list(self, spec: ListField, people: Sequence[Person]) -> None:
        keys = self.layout.keys
        if self.layout.flow and keys:
            words = self._words(spec, people, keys[-1][2])
            self._patch(keys[-1][2], keys[-1][2], f", {spec.name}: [{words}]")
            return
        column = self.layout.column(keys[0][1]) if keys else 0
        at = self.layout.end
        if spec is SPEAKERS:  # before those released, as people write it
            name, start, end = keys[0]
            at = self._line_after(end - 1) if name == DOMAIN_FIELD.name else start - column
        style = self._style(None)
        self._patch(at, at, f"{' ' * column}{spec.name}:{self.line_end}")
        self._insert_lines(at, self._lines(spec, people, style), style)

    def _name_the_list(self, listing: Listing, *, empty: bool) -> None:
        """Make a list without anything around it the value of a key, so that another can stand beside it."""
        if not listing.flow:
            at = self.layout.line_starts[self.layout.first_line(listing, 0)]
            self._patch(at, at, f"{SPEAKERS.name}:{' []' * empty}{self.line_end}")
        elif self.layout.column(listing.start) or LINE_END.search(self.layout.text, listing.start, listing.end):
            raise self.layout.unusual(listing.start)
        else:
            self._patch(listing.start, listing.start, f"{SPEAKERS.name}: ")

    def _take_out_lines(self, listing: Listing, gone: Sequence[int], *, empty: bool) -> None:
        starts = self.layout.line_starts
        for number in gone:
            first, last = self.layout.first_line(listing, number), self.layout.last_line(listing, number)
            first -= len(self._above(first, listing))
            if self._is_blank(first - 1) and self._is_blank(last + 1):
                last += 1
            self._patch(starts[first], starts[last + 1])
        if empty and listing.key_end is not None:
            colon = _COLON.match(self.layout.text, listing.key_end)
            if colon is None:
                raise self.layout.unusual(listing.key_end)
            self._patch(colon.end(), colon.end(), " []")

    def _take_out_words(self, listing: Listing, gone: set[int]) -> None:
        text, starts = self.layout.text, self.layout.line_starts
        for number in sorted(gone):
            start, end = listing.items[number]
            if _COMMA.match(text, end) is None and _LATE_COMMA.match(text, end) is not None:
                raise self.layout.unusual(start)
            if (own := self._own_lines(listing, number)) is not None:
                first, last, _ = own
                first -= len(self._above(first, listing))
                start, end = starts[first], starts[last + 1]
            elif (comma := _COMMA.match(text, end)) is not None:
                end = comma.end()
                if text.startswith("#", end) and text[:start].endswith("["):  # it would be no comment any more
                    raise self.layout.unusual(start)
            elif number and number - 1 not in gone and not text[listing.items[number - 1][1] : start].strip(", \t"):
                start = listing.items[number - 1][1]
            self._patch(start, end)

    def _own_lines(self, listing: Listing, number: int) -> tuple[int, int, str] | None:
        """Return the lines of an item in brackets, and the comment behind it, if nobody shares these lines."""
        text, starts = self.layout.text, self.layout.line_starts
        start, end = listing.items[number]
        if (comma := _COMMA.match(text, end)) is not None:
            end = comma.end()
        first, last = self.layout.line(start), self.layout.line(end)
        before, behind = text[starts[first] : start].strip(), text[end : starts[last + 1]].strip()
        shared = before or (behind and not behind.startswith("#"))
        return None if shared else (first, last, behind)

    def _lines(self, spec: ListField, people: Sequence[Person], style: Style) -> str:
        return "".join(block(person, spec, style, self._comments(person)) for person in people)

    def _words(self, spec: ListField, people: Sequence[Person], at: int) -> str:
        """Return people as items between the brackets at an offset; raises CannotEdit for one who has comments."""
        for person in people:
            if person.replaces is not None and self._comments(person):
                raise CannotEdit(
                    f"{self.layout.file}:{self.layout.line(at) + 1}",
                    "a list in brackets has no place for the comment of the entry that would move here from line "
                    f"{person.replaces.line}: write this list as lines that begin with '- ', or delete the comment",
                )
        return ", ".join(flow(person, spec) for person in people)

    def _comments(self, person: Person) -> Comments:
        """Return the comments of the entry that a person replaces, as far as they go with it."""
        if person.replaces is None:
            return Comments()
        start = self.layout.offset(person.replaces.line, person.replaces.column)
        listing, number = self._entries[start]
        if listing.flow:
            begin, end = listing.items[number]
            within = comments_in(LINE_END.split(self.layout.text[begin:end]))
            if (own := self._own_lines(listing, number)) is None:
                return Comments((), within)
            return Comments(self._above(own[0], listing), [*within, *filter(None, [own[2]])])
        first, last = self.layout.first_line(listing, number), self.layout.last_line(listing, number)
        within = comments_in([self.layout.line_text(line) for line in range(first, last + 1)])
        return Comments(self._above(first, listing), within)

    def _above(self, line: int, listing: Listing) -> list[str]:
        """Return the comments right above a line, as far in as the line: they speak of who is listed there.

        What stands at the top of the file, and the section about those not opted out, speaks of nobody there.
        """
        comments: list[str] = []
        inward = self.layout.line_text(line)
        inward = inward[: len(inward) - len(inward.lstrip(" "))]
        while line > 0 and self.layout.line_text(line - 1).startswith(f"{inward}#"):
            line -= 1
            if any(start <= self.layout.line_starts[line] < end for start, end in self._sections):
                return comments
            comments.insert(0, self.layout.line_text(line).strip())
        return [] if line == 0 and listing.key_start is None else comments

    @cached_property
    def _sections(self) -> list[tuple[int, int]]:
        return find_sections(self.layout.text)

    @cached_property
    def _entries(self) -> dict[int, tuple[Listing, int]]:
        return {
            start: (listing, number)
            for listing in self.layout.lists.values()
            for number, (start, _) in enumerate(listing.items)
        }

    def _style(self, listing: Listing | None) -> Style:
        """Return how a list is written; for a new one, how its neighbour is."""
        lists = [each for each in self.layout.lists.values() if not each.flow]
        listing = listing or next(iter(lists), None)
        if listing is None:
            keys = self.layout.keys
            return Style(self.layout.column(keys[0][1]) + 2 if keys else 0, 1, self.line_end)
        indent = self.layout.column(listing.start)
        start = listing.items[-1][0]
        beside = self.layout.line(start) == self.layout.first_line(listing, len(listing.items) - 1)
        return Style(indent, self.layout.column(start) - indent - 1 if beside else 1, self.line_end)

    def _below(self, listing: Listing) -> int:
        return self.layout.line_starts[self.layout.last_line(listing, len(listing.items) - 1) + 1]

    def _line_after(self, offset: int) -> int:
        return self.layout.line_starts[self.layout.line(offset) + 1]

    def _is_blank(self, line: int) -> bool:
        return 0 <= line < len(self.layout.line_starts) - 1 and not self.layout.line_text(line).strip()
