"""What is said of a register: a verdict as text, annotations or JSON, and warnings; pure."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from voiceid_optout.register import Entry, Register
from voiceid_optout.register.faults import Fault, Location
from voiceid_optout.speakers import Ensure

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
        return _line(self.location, self.message)


@dataclass(frozen=True, slots=True)
class ReviewPast:
    """An entry whose day of review is past; it stays in force until somebody changes it."""

    location: Location

    @property
    def message(self) -> str:
        """What is wrong and what to do, in one sentence."""
        return "the day in review_on is past: decide about this entry, then give it a new day or delete the key"

    def __str__(self) -> str:
        return _line(self.location, self.message)


Warned = Contact | ReviewPast


def _line(location: Location, message: str) -> str:
    return f"{location.file}:{location.line}: warning: {message}"


def reviews_past(entries: Iterable[Entry], today: date) -> Iterator[ReviewPast]:
    """Yield the entries that somebody wanted to look at again before today."""
    for entry in entries:
        if entry.review_on is not None and entry.review_on < today:
            yield ReviewPast(entry.location)


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


JSON_VERSION = 1


def summary(verdict: Register | Sequence[Fault]) -> str:
    """One line for people."""
    if isinstance(verdict, Register):
        people = _count(len(verdict.entries), "person", "people")
        files = _count(len(verdict.files), "file", "files")
        return f"ok: {people} in {files}, {verdict.count(Ensure.RELEASED)} released"
    faults = _count(len(verdict), "fault", "faults")
    files = _count(len({fault.location.file for fault in verdict}), "file", "files")
    return f"{faults} in {files}"


def github(faults: Iterable[Fault]) -> Iterable[str]:
    """Workflow commands that GitHub shows as annotations on the lines of a pull request."""
    for fault in faults:
        at = fault.location
        yield (
            f"::error file={_property(at.file)},line={at.line},col={at.column},"
            f"title={_property(fault.code)}::{_data(fault.message)}"
        )


def github_warnings(warnings: Iterable[Warned]) -> Iterable[str]:
    """The same for warnings."""
    for warning in warnings:
        at = warning.location
        yield f"::warning file={_property(at.file)},line={at.line},col={at.column}::{_data(warning.message)}"


def as_json(verdict: Register | Sequence[Fault], warnings: Sequence[Warned] = ()) -> str:
    """One object: ``version``, ``valid``, ``files``, ``people``, ``released``, ``faults``, ``warnings``.

    The three in the middle are null for an invalid register. A fault has ``file``, ``line``, ``column`` (from
    1), ``code``, ``message`` and ``other``: null, or the second place as ``file``, ``line``, ``column``.
    """
    valid = isinstance(verdict, Register)
    return json.dumps(
        {
            "version": JSON_VERSION,
            "valid": valid,
            "files": list(verdict.files) if isinstance(verdict, Register) else None,
            "people": len(verdict.entries) if isinstance(verdict, Register) else None,
            "released": verdict.count(Ensure.RELEASED) if isinstance(verdict, Register) else None,
            "faults": [] if isinstance(verdict, Register) else [_fault(fault) for fault in verdict],
            "warnings": [{**_place(item.location), "message": item.message} for item in warnings],
        },
        indent=2,
    )


def _fault(fault: Fault) -> dict[str, object]:
    return {
        **_place(fault.location),
        "code": fault.code.value,
        "message": fault.message,
        "other": None if fault.other is None else _place(fault.other),
    }


def _place(location: Location) -> dict[str, object]:
    return {"file": location.file, "line": location.line, "column": location.column}


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


MANY = 2000  # people; beyond, a run with a resource each takes longer than one cares to wait for

# Measured on two cores with the embedded engine (docs/adr/0005-sharded-resource.md): an unchanged preview takes
# 1.2 s, and for each person 2.4 ms with a resource each, 0.03 ms in shards.
_START = 1.2
_EACH_SINGLE = 0.0024
_SHARDS = 0.8
_EACH_SHARDED = 0.00003


def advice(people: int, *, sharded: bool) -> str | None:
    """Return the recommendation to group so many people in shards; None if they are few, or are so already."""
    if sharded or people <= MANY:
        return None
    single = _START + people * _EACH_SINGLE
    shared = _START + _SHARDS + people * _EACH_SHARDED
    return (
        f"{people:,} people with a resource each: an unchanged preview takes about {single:.0f} s, with "
        f"voiceid-optout:grouping: sharded about {shared:.0f} s. Switching changes nobody in the service"
    )
