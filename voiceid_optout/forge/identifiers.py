"""Finds identifiers of people in texts: one matcher masks what is shown, and refuses what is posted. Pure.

An identifier is found in any case, between or inside other words, behind Markdown's and HTML's escapes, and through
characters that have no width. How it may stand in a text depends on how easily chance writes the same:

- 12 characters or more, 8 with a digit, or 6 with a digit and a letter: anywhere, also inside a word;
- all others: as a whole word, with no letter or digit beside it. Of these a check overlooks the shortest
  (`SHORTEST`) and numbers: counts, line numbers and words such as "new" stand in every plan, and a check that cries
  wolf every day gets switched off.

Labels and digests are hexadecimal digits, among which chance writes numbers too: only the whole of one is looked
up.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from voiceid_optout.forge import IdentifierInText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MASK = "…"
SHORTEST = 6
_LONGEST = 256
_DISTINCT_FROM = 12  # characters; no word is so long by chance
_DISTINCT_WITH_DIGIT = 8
_PREFIX = "id#"
_GENERATED_DIGITS = 22
_GENERATED = re.compile(rf"{_PREFIX}[a-z0-9]{{{_GENERATED_DIGITS}}}")
_RUN = re.compile(r"[a-z0-9_-]+")
_PARTS = re.compile(r"[_-]+|[a-z0-9]+")
_NUMBER = re.compile(r"\d(?:[ ._/()-]{0,3}\d){7,}")  # as people write telephone numbers
_OURS = re.compile(r"sp-[0-9a-f]{16}|(?=\d*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})")
# What stands for another character or for none: escapes of Markdown, JSON, HTML and URLs, control characters that
# separate no words, and all that is not ASCII.
_SPECIAL = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\(?=[!-/:-@\[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31});"
    r"|%[2-7][0-9a-fA-F]|[\x00-\x08\x0e-\x1f\x7f]|[^\x00-\x7f]"
)
_NO_WIDTH = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters by their category, and blank


class Matcher:
    """Knows the identifiers of many people; made once for many texts. One pass over each text."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """``places`` says by identifier where it is from, for the errors of :meth:`check`."""
        self._places = {identifier.lower().removeprefix(_PREFIX): place for identifier, place in places.items()}
        self._anywhere = sorted(filter(_is_distinct, self._places))
        self._words = self._places.keys() - set(self._anywhere)
        self._starts = {identifier[:SHORTEST] for identifier in self._anywhere}
        # By an identifier's position that of the longest other one with which it begins.
        self._shorter: list[int] = []
        open_ones: list[int] = []
        for position, identifier in enumerate(self._anywhere):
            while open_ones and not identifier.startswith(self._anywhere[open_ones[-1]]):
                open_ones.pop()
            self._shorter.append(open_ones[-1] if open_ones else -1)
            open_ones.append(position)

    def masked(self, text: str) -> str:
        """Return the text with ``…`` for each identifier."""
        folded, original = _folded(text)
        pieces, end = [], 0
        for start, stop in sorted((original(start), original(stop)) for start, stop in self._spans(folded)):
            if stop <= end:
                continue
            if start >= end:
                pieces += [text[end:start], MASK]
            end = stop
        return "".join([*pieces, text[end:]])

    def check(self, text: str) -> None:
        """Raise IdentifierInText, which says where, if the text has an identifier that chance does not write."""
        folded, original = _folded(text)
        for start, stop in self._spans(folded):
            found = folded[start:stop]
            if not _is_distinct(found) and (len(found) < SHORTEST or found.isdigit()):
                continue
            number = text.count("\n", 0, original(start)) + 1
            digits = re.sub(r"\D", "", found)  # of a number written in groups
            place = self._places.get(found.removeprefix(_PREFIX)) or self._places.get(digits) or "a speaker"
            raise IdentifierInText(
                f"line {number} of the text carries the identifier of {place}: nothing was posted. Labels "
                "(sp-…) stand for people in public"
            )

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where identifiers stand in a folded text, in no order; they may overlap."""
        for found in _GENERATED.finditer(text):
            yield found.span()
        for run in _RUN.finditer(text):
            start, word = run.start(), run[0]
            if _OURS.fullmatch(word):
                if word in self._places:
                    yield run.span()
                continue
            for first, last in (*self._inside(word), *self._whole_words(word)):
                yield start + first, start + last
        for found in _NUMBER.finditer(text):
            at = [found.start() + offset for offset, char in enumerate(found[0]) if char.isdigit()]
            if len(at) < len(found[0]):
                for first, last in self._inside("".join(text[position] for position in at)):
                    yield at[first], at[last - 1] + 1

    def _inside(self, word: str) -> Iterator[tuple[int, int]]:
        starts, known = self._starts, self._anywhere
        for start in range(len(word) - SHORTEST + 1):
            if word[start : start + SHORTEST] not in starts:
                continue
            rest = word[start : start + _LONGEST]
            # What sorts last before the rest is its longest beginning that is known, or begins with that.
            position = bisect_right(known, rest) - 1
            while position >= 0 and not rest.startswith(known[position]):
                position = self._shorter[position]
            if position >= 0:
                yield start, start + len(known[position])

    def _whole_words(self, word: str) -> Iterator[tuple[int, int]]:
        if not self._words:
            return
        parts = _PARTS.findall(word)
        begin = 0
        for first, part in enumerate(parts):
            # An identifier may have dashes itself: every run of parts is looked up that is short enough.
            for run in accumulate(parts[first : first + _DISTINCT_FROM]):
                if len(run) >= _DISTINCT_FROM:
                    break
                if run in self._words:
                    yield begin, begin + len(run)
            begin += len(part)


def parts_of(text: str) -> frozenset[str]:
    """Return all that a text may have of identifiers, in lower case: few, for a short one.

    An identifier that is not there, with its prefix or without, is not found by a :class:`Matcher` either.
    """
    folded, _ = _folded(text)
    runs = [found[0] for pattern in (_GENERATED, _RUN) for found in pattern.finditer(folded)]
    runs += [re.sub(r"\D", "", found[0]) for found in _NUMBER.finditer(folded)]
    parts = {
        run[start:stop]
        for run in runs
        for start in range(len(run))
        for stop in range(start + 1, min(len(run), start + _LONGEST) + 1)
    }
    return frozenset(parts | {f"{_PREFIX}{part}" for part in parts if len(part) == _GENERATED_DIGITS})


def _is_distinct(identifier: str) -> bool:
    """Tell whether chance does not write it."""
    length = len(identifier)
    if length >= _DISTINCT_FROM:
        return True
    if length < SHORTEST or not any(map(str.isdigit, identifier)):
        return False
    return length >= _DISTINCT_WITH_DIGIT or any(map(str.isalpha, identifier))


def _folded(text: str) -> tuple[str, Callable[[int], int]]:
    """Return the text as identifiers are compared, and where each of its characters was."""
    pieces: list[str] = []
    marks = [(0, 0)]  # from which place on, in the result and in the text, the two go side by side
    length = end = 0
    for found in _SPECIAL.finditer(text):
        before, meant = text[end : found.start()].lower(), _meant(found[0])
        length += len(before)
        marks += [(length + offset, found.start()) for offset in range(len(meant))]
        length += len(meant)
        marks.append((length, found.end()))
        pieces += [before, meant]
        end = found.end()
    pieces.append(text[end:].lower())
    places = [place for place, _ in marks]

    def original(place: int) -> int:
        mark, there = marks[bisect_right(places, place) - 1]
        return there + place - mark

    return "".join(pieces), original


def _meant(written: str) -> str:
    """Return what a character or an escape stands for: nothing, if it has no width."""
    match written[0]:
        case "\\":
            meant = html.unescape(f"&#x{written[2:]};") if len(written) > 1 else ""
        case "%":
            meant = html.unescape(f"&#x{written[1:]};")
        case "&":
            meant = html.unescape(written)
        case _:
            meant = written
    return "".join(map(_plain, meant))


def _plain(char: str) -> str:
    kind = unicodedata.category(char)
    if char in "\t\n\v\f\r":
        return char
    if kind in ("Cc", "Cf", "Cs", "Mn", "Me") or char in _NO_WIDTH:
        return ""
    return "-" if kind == "Pd" else unicodedata.normalize("NFKC", char).lower()
