"""What a register says, once it is known to be valid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from voiceid_optout.speakers import Ensure


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a register file; ``line`` and ``column`` count characters from 1, as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One person in one domain.

    ``speaker_id`` is a CustomerSpeakerId, or a GeneratedSpeakerId written ``id#`` and 22 characters. It and
    ``reason`` speak about a person and stay out of ``repr``.
    """

    domain_id: str
    speaker_id: str = field(repr=False)
    ensure: Ensure
    location: Location
    requested_on: date | None = None
    reason: str | None = field(default=None, repr=False)
    ticket: str | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """All entries, in the order of files and lines, the files they came from, and the DomainId of each file."""

    entries: tuple[Entry, ...] = field(repr=False)
    files: tuple[str, ...]
    domain_ids: Mapping[str, str] = field(default_factory=dict, repr=False)

    def count(self, ensure: Ensure) -> int:
        """How many entries ask for this."""
        return sum(1 for entry in self.entries if entry.ensure is ensure)
