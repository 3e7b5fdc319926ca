"""A register file as Git has it: whom it lists, and whom its next version lists otherwise.

A version is read in full by the register's own parser, which takes a second for a hundred thousand people. Most
files are plain: an entry is one line or a few, in block style. There the versions are compared as bytes first, and
the parser reads only the entries that differ. Whatever is not plain is read in full: both ways say the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from voiceid_optout.memory import no_collection
from voiceid_optout.register import resolve
from voiceid_optout.register.document import NO_EVIDENCE, Evidence, read_document
from voiceid_optout.register.events import Events
from voiceid_optout.register.faults import RegisterInvalid
from voiceid_optout.register.sources import checked
from voiceid_optout.speakers import Ensure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceid_optout.register import Entry


class Said(NamedTuple):
    """What an entry says of a person: ``evidence`` are its other fields, in the order of EVIDENCE."""

    ensure: Ensure
    evidence: Evidence = NO_EVIDENCE


@dataclass(slots=True)
class Difference:
    """What a version says otherwise than the one before: whom each of them lists, by speaker id."""

    base: RegisterFile
    lists: tuple[bytes, list[tuple[bytes, bytes]]] = field(repr=False)  # of the version itself
    gone: dict[str, Said] = field(repr=False)
    came: dict[str, Said] = field(repr=False)


@dataclass
class RegisterFile:
    """One version of a file: its domain, and what it says of each person, by speaker id.

    ``indent`` begins each entry of a plain file. ``difference`` is there if the version was read as one, and
    ``people`` are those of its base until the version takes the base's place.
    """

    blob: str
    domain_id: str
    data: bytes = field(repr=False)
    people: dict[str, Said] = field(repr=False)
    indent: bytes | None = None
    difference: Difference | None = field(default=None, repr=False)
    _asked: int = 0

    def everybody(self) -> Mapping[str, Said]:
        """Return whom the version lists, before and after it has taken its base's place."""
        return self.people if self.difference is None else self._changed(self.people.copy(), self.difference)

    def said(self, speaker_id: str) -> Said | None:
        """Return what the version says of a person, None for who is not listed."""
        if self.difference is not None and speaker_id in self.difference.came:
            return self.difference.came[speaker_id]
        if self.difference is not None and speaker_id in self.difference.gone:
            return None
        return self.people.get(speaker_id)

    def take_over(self) -> None:
        """Take the place of the version before, which must not be used any more: the people are the same dict."""
        if self.difference is not None:
            self._changed(self.people, self.difference)
            self.difference = None

    @staticmethod
    def _changed(people: dict[str, Said], difference: Difference) -> dict[str, Said]:
        for one in difference.gone:
            del people[one]
        people.update(difference.came)
        return people

    def line(self, speaker_id: str) -> int:
        """Return the line that a person's entry begins at; raises KeyError for who is not listed."""
        self._asked += 1
        if self.indent is not None and self._asked <= _SEARCHES:
            wanted, mark, text = speaker_id.encode(), b"\n" + self.indent, b"\n" + self.data
            place = text.find(wanted)
            while place >= 0:
                begin, end = text.rfind(mark, 0, place), text.find(mark, place)
                entry = _LISTS.split(text[begin + 1 : end if end >= 0 else len(text)])[0]
                if begin >= 0 and speaker_id in (_parsed([(b"speakers", [entry])]) or ()):
                    return text.count(b"\n", 0, begin + 1)
                place = text.find(wanted, place + 1)
        return self._lines[speaker_id]

    @cached_property
    def lists(self) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """What stands before the lists of the file, and each list's key and text."""
        return _lists(self.data)

    @cached_property
    def _lines(self) -> dict[str, int]:
        listed = read_document(Events(self.data, "")).listed
        return {one.speaker_id: one.line for one in listed}


_SEARCHES = 16  # after so many of them one pass over the whole file costs less


def read_file(
    blob: str, data: bytes, domains: Mapping[str, str], default_domain: str | None, base: RegisterFile | None = None
) -> RegisterFile | None:
    """Read a file as ``optout validate`` does; None if it has a fault. A ``base`` makes that faster, if similar."""
    if base is not None and base.indent is not None:
        difference = _difference(base, data, base.indent)
        if difference is not None:
            if any(one in base.people and one not in difference.gone for one in difference.came):
                return None
            file = RegisterFile(blob, base.domain_id, _ended(data), base.people, base.indent, difference)
            file.lists = difference.lists  # the next version asks for them
            return file
    return _read_whole(blob, data, domains, default_domain)


@no_collection()
def _read_whole(
    blob: str, data: bytes, domains: Mapping[str, str], default_domain: str | None
) -> RegisterFile | None:
    try:
        text = _ended(checked(data, ""))
    except RegisterInvalid:
        return None
    document = read_document(Events(text, ""))
    domain_id = resolve(document, domains, default_domain)
    if document.faults or not isinstance(domain_id, str):
        return None
    people = _people(document.listed)
    if len(people) != len(document.listed):
        return None
    first = _FIRST_ENTRY.search(text)
    indent = first[1] if first is not None and _grammar(first[1]).file.fullmatch(text) else None
    return RegisterFile(blob, domain_id, text, people, indent)


def _people(listed: list[Entry]) -> dict[str, Said]:
    bare = {ensure: Said(ensure) for ensure in Ensure}  # of many people, and one is enough
    return {
        one.speaker_id: bare[one.ensure] if (said := one.evidence) == NO_EVIDENCE else Said(one.ensure, said)
        for one in listed
    }


def _ended(data: bytes) -> bytes:
    """Return the text with its last line ended."""
    return data if data.endswith(b"\n") or not data else data + b"\n"


# A plain file has lines of these forms only. What they mean is left to the parser: the forms see to it that an
# entry means the same wherever it stands, because no quote, bracket or indented text goes on beyond its line.
_COMMENT = rb" *(?:#[^\n\t\r]*)?\n"
_END = rb" *(?: #[^\n\t\r]*)?\n"
_WORDS = rb"""(?:[A-Za-z0-9\x80-\xff](?:[^\n\t\r:#]|:(?=[^ \n])|(?<=[^ ])#)*|"[^"\\\n\t\r]*"|'[^'\n\t\r]*')"""
_LIST = rb"(?:speakers|released):" + _END
_DOMAIN = rb"domain: [\"']?[A-Za-z0-9_.-]+[\"']?" + _END
_FIRST_ENTRY = re.compile(rb"^( *- )", re.MULTILINE)
_LISTS = re.compile(rb"^(?:speakers|released):", re.MULTILINE)
_NAMES = (b"speakers:", b"released:")


class _Grammar(NamedTuple):
    file: re.Pattern[bytes]
    entry: re.Pattern[bytes]
    comments: re.Pattern[bytes]


@lru_cache(maxsize=16)
def _grammar(indent: bytes) -> _Grammar:
    """Return the forms of the lines of a file whose entries begin like this."""
    field_ = rb"[a-z_]+: " + _WORDS + _END
    detail = rb" " * len(indent) + field_
    entry = indent + rb"(?:" + field_ + rb"|" + _WORDS + _END + rb")"
    return _Grammar(
        re.compile(
            rb"(?:%b|%b|--- *\n)*+(?:%b)*+" % (_COMMENT, _DOMAIN, rb"|".join((entry, detail, _COMMENT, _LIST)))
        ),
        re.compile(entry + rb"(?:" + detail + rb"|" + _COMMENT + rb")*+"),
        re.compile(rb"(?:" + _COMMENT + rb")*+"),
    )


def _difference(base: RegisterFile, data: bytes, indent: bytes) -> Difference | None:
    """Compare two versions of a plain file; None where the parser has to read all of the new one."""
    old_head, old = base.lists
    new_head, new = _lists(_ended(data))
    if old_head != new_head or [header for header, _ in old] != [header for header, _ in new]:
        return None
    gone, came = [], []
    for (header, before), (_, after) in zip(old, new, strict=True):
        if (b"\n" + indent in before) > (b"\n" + indent in after):
            return None  # a list of nobody is written otherwise
        section = header.partition(b":")[0] or b"speakers"
        for was, now in _regions(before, after, b"\n" + indent):
            (_, *lost), (comments, *found) = ((b"\n" + part).split(b"\n" + indent) for part in (was, now))
            if len(set(found)) != len(found) or not _grammar(indent).comments.fullmatch(comments[1:] + b"\n"):
                return None
            gone.append((section, [b"%b%b\n" % (indent, one) for one in set(lost).difference(found)]))
            came.append((section, [b"%b%b\n" % (indent, one) for one in set(found).difference(lost)]))
    if not all(_grammar(indent).entry.fullmatch(text) for _, texts in came for text in texts):
        return None
    said = _parsed(gone), _parsed(came)
    return None if said[0] is None or said[1] is None else Difference(base, (new_head, new), said[0], said[1])


def _lists(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return what stands before the lists of a file, and each list's key and text; a file of one list has no key.

    The text of a list begins with a line feed, and has none at its end.
    """
    text = b"\n" + data
    found = sorted(place for name in _NAMES if (place := text.find(b"\n" + name)) >= 0)
    if not found:
        return b"", [(b"", text.removesuffix(b"\n"))]
    lists = []
    for start, end in zip(found, [*found[1:], len(text) - 1], strict=True):
        entries = text.find(b"\n", start + 1)
        lists.append((text[start + 1 : entries], text[entries:end]))
    return data[: found[0]], lists


def _regions(old: bytes, new: bytes, mark: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield where two lists differ, entries as they are; what is not in a region is the same in both.

    ``mark`` begins each entry, and stands before a region's first and after its last one.
    """
    here, there = 0, 0
    while True:
        same = _common(old, here, new, there)
        if here + same == len(old) and there + same == len(new):
            return
        back = old.rfind(mark, here, here + same)
        if back >= 0:
            here, there = back, there + back - here
        size = _WINDOW
        while True:
            ends = _meeting(old, here, new, there, mark, size)
            if ends is not None or (here + size >= len(old) and there + size >= len(new)):
                break
            size *= 4
        end, other_end = ends or (len(old), len(new))
        yield old[here + 1 : end], new[there + 1 : other_end]
        if ends is None:
            return
        here, there = ends


def _meeting(old: bytes, here: int, new: bytes, there: int, mark: bytes, size: int) -> tuple[int, int] | None:
    """Return the nearest places further on, at most by so many bytes, where both have an entry in common."""
    first: dict[bytes, int] = {}
    for place, entry in _window(new, there, mark, size):
        first.setdefault(entry, place)
    both = [(place, first[entry]) for place, entry in _window(old, here, mark, size) if entry in first]
    return min((places for places in both if places != (here, there)), key=sum, default=None)


def _window(data: bytes, start: int, mark: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield the entries that lie whole in a window, and where each begins."""
    first, *entries = data[start : start + size].split(mark)
    if start + size < len(data) and entries:
        entries.pop()
    place = start + len(first)
    for entry in entries:
        yield place, entry
        place += len(mark) + len(entry)


def _parsed(sections: list[tuple[bytes, list[bytes]]]) -> dict[str, Said] | None:
    """Return what entries say; None if one has a fault."""
    people: dict[str, Said] = {}
    count = 0
    for section, texts in sections:
        if not texts:
            continue
        text = b"".join((section, b":\n", *texts))
        try:
            document = read_document(Events(checked(text, ""), ""))
        except RegisterInvalid:
            return None
        if document.faults or len(document.listed) != len(texts):
            return None
        people |= _people(document.listed)
        count += len(texts)
    return people if len(people) == count else None


_STEP = 1 << 16
_WINDOW = 1 << 11


def _common(one: bytes, here: int, other: bytes, there: int) -> int:
    """Return for how many bytes two texts are the same from two places on."""
    low, high = 0, min(len(one) - here, len(other) - there)
    step = _STEP
    while low < high:
        end = min(low + step, high)
        if one[here + low : here + end] == other[there + low : there + end]:
            low = end
        elif end - low == 1:
            break
        else:
            step = (end - low) // 2
    return low
