"""The last look before a text becomes public: does it carry an identifier of the register? Pure."""

from __future__ import annotations

import html
import re
from itertools import accumulate
from typing import TYPE_CHECKING

from voiceid_optout.forge.errors import IdentifierInText

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Counts, line numbers and words such as "new" stand in every plan; an id as short as they are cannot be told from
# them, and a check that cries wolf every day gets switched off.
SHORTEST = 6
_LONGEST = 256
_GENERATED = re.compile(r"id#[A-Za-z0-9]{22}")
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_PARTS = re.compile(r"[_-]+|[A-Za-z0-9]+")
_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])")


def check(text: str, places: Mapping[str, str]) -> None:
    """Raise IdentifierInText if ``text`` has a speaker's id; ``places`` gives ``file:line`` by id.

    Ids are found as whole words, between any punctuation, and behind Markdown's and HTML's escapes. One pass over
    the text, whatever the register's size. Ids below six characters are left out.
    """
    for number, line in enumerate(text.splitlines(), start=1):
        for candidate in _candidates(_ESCAPED.sub("", html.unescape(line))):
            place = places.get(candidate)
            if place is not None and len(candidate) >= SHORTEST:
                raise IdentifierInText(
                    f"line {number} of the text carries the identifier of {place}: nothing was posted. Labels "
                    "(sp-…) stand for people in public"
                )


def _candidates(line: str) -> Iterator[str]:
    yield from _GENERATED.findall(line)
    for word in _WORD.findall(line):
        parts = _PARTS.findall(word)
        if len(parts) == 1:
            yield word
            continue
        # An id may be glued to others by a dash or an underscore: every run of parts is looked up.
        for start in range(len(parts)):
            for run in accumulate(parts[start : start + _LONGEST]):
                if len(run) > _LONGEST:
                    break
                yield run
