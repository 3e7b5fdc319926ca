"""What looks like a telephone number or an e-mail address in a register: it tells more than is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from voiceid_optout.register.model import Entry, Location

_MAIL = re.compile(r"[^\s@<>()]+@[^\s@<>()]+\.[^\W\d_]{2,}")
_DATE = re.compile(r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4})\b")
# From 9 to 15 digits, in groups or not. In a text, where other numbers stand too, with a + or a 0 before them.
_NUMBER = re.compile(r"(?<![\w+])(?:\+|\(?0)\d?(?:[ ./()-]{0,3}\d){8,14}(?!\w)")
_NUMBER_AS_ID = re.compile(r"\d(?:[_-]?\d){8,14}")


@dataclass(frozen=True, slots=True)
class Contact:
    """A field of an entry, ``id``, ``reason`` or ``ticket``, and what it looks like; never its text."""

    location: Location
    field: str
    looks_like: str

    @property
    def message(self) -> str:
        """What is wrong and what to do, in one sentence."""
        better = "an identifier of the contact centre" if self.field == "id" else "a ticket's number"
        return f"{self.field} looks like {self.looks_like}: {better} tells less of a person"

    def __str__(self) -> str:
        return f"{self.location.file}:{self.location.line}: warning: {self.message}"


def contacts(entries: Iterable[Entry]) -> Iterator[Contact]:
    """Yield what looks like a way to reach somebody, in the order of the entries."""
    for entry in entries:
        if _NUMBER_AS_ID.fullmatch(entry.speaker_id):
            yield Contact(entry.location, "id", "a telephone number")
        for field, text in (("reason", entry.reason), ("ticket", entry.ticket)):
            if text and (found := _looks_like(text)):
                yield Contact(entry.location, field, found)


def _looks_like(text: str) -> str | None:
    if _MAIL.search(text):
        return "an e-mail address"
    return "a telephone number" if _NUMBER.search(_DATE.sub(" ", text)) else None
