"""What a valid register says, and the faults that are gathered before anything is raised."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from voiceid_optout.register.codes import Code
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


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing wrong at one place.

    ``message`` tells what to do and carries nothing that the file says: any value may be an identifier.
    ``other`` is the second place where two contradict each other; the message names it too.
    """

    location: Location
    code: Code
    message: str
    other: Location | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.location}: {self.code}: {self.message}"


class RegisterError(Exception):
    """Root of what this package raises."""


class RegisterInvalid(RegisterError):  # noqa: N818 - the name callers know; it is a verdict, not a failure
    """The register cannot be used; ``faults`` are all there are, by file, line and column."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))

    @classmethod
    def at(cls, location: Location, code: Code, message: str) -> Self:
        """One fault, as an error."""
        return cls([Fault(location, code, message)])
