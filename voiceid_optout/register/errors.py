"""Errors of this package: one root; faults are values, gathered before anything is raised."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from voiceid_optout.register.codes import Code
from voiceid_optout.register.model import Location


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
