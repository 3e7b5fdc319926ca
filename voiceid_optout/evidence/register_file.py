"""A register file as Git has it: whom it lists, and whom its next version lists otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from voiceid_optout.register import resolve
from voiceid_optout.register.document import read_document
from voiceid_optout.register.events import Events
from voiceid_optout.register.faults import RegisterInvalid
from voiceid_optout.register.sources import checked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.speakers import Ensure


class Said(NamedTuple):
    """What an entry says of a person: ``evidence`` are its other fields (date, ticket, reason), sorted by name."""

    ensure: Ensure
    evidence: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class RegisterFile:
    """One version of a file: its domain, and what it says of each person, by speaker id."""

    blob: str
    domain_id: str
    data: bytes = field(repr=False)
    people: dict[str, Said] = field(repr=False)
    lines: dict[str, int] = field(repr=False)

    def line(self, speaker_id: str) -> int:
        """Return the line that a person's entry begins at."""
        return self.lines[speaker_id]


def read_file(
    blob: str, data: bytes, domains: Mapping[str, str], default_domain: str | None
) -> RegisterFile | None:
    """Read a file as ``optout validate`` does; None if it has a fault."""
    try:
        text = checked(data, "")
    except RegisterInvalid:
        return None
    document = read_document(Events(text, ""))
    domain_id = resolve(document, domains, default_domain)
    if document.faults or not isinstance(domain_id, str):
        return None
    people: dict[str, Said] = {}
    lines: dict[str, int] = {}
    for one in document.listed:
        people[one.speaker_id] = Said(one.ensure, tuple(sorted(one.details.items())))
        lines[one.speaker_id] = one.location.line
    if len(people) != len(document.listed):
        return None
    return RegisterFile(blob, domain_id, text, people, lines)
