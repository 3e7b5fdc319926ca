"""Make sure that an edit did what it was asked to do, and nothing else."""

from collections.abc import Iterable, Mapping
from datetime import date

from voiceid_optout.register.edit.decide import FileChange
from voiceid_optout.register.edit.errors import CannotEdit
from voiceid_optout.register.edit.person import Person
from voiceid_optout.register.model import Entry, Register
from voiceid_optout.speakers import Ensure

_Meaning = tuple[str, str, str, Ensure, str | None, str | None, str | None]


def verify(before: Register, after: Register, changes: Mapping[str, FileChange]) -> None:
    """Raise CannotEdit if ``after`` is not ``before`` with the changes, in every field of everybody."""
    expected = {_meaning(entry) for entry in before.entries}
    for file, change in changes.items():
        expected -= {_meaning(entry) for entry in change.remove}
        domain_id = before.domain_ids.get(file) or after.domain_ids[file]
        for ensure, people in change.add.items():
            expected |= {_of_person(person, file, domain_id, ensure) for person in people}
    found = {_meaning(entry) for entry in after.entries}
    if found != expected or len(found) != len(after.entries):
        raise CannotEdit(_where(found ^ expected, changes))


def _where(different: Iterable[_Meaning], changes: Mapping[str, FileChange]) -> str:
    return min((file for file, *_ in different), default=next(iter(changes), "the register"))


def _meaning(entry: Entry) -> _Meaning:
    day = None if entry.requested_on is None else entry.requested_on.isoformat()
    who = (entry.location.file, entry.domain_id, entry.speaker_id, entry.ensure)
    return *who, day, _text(entry.reason), _text(entry.ticket)


def _of_person(person: Person, file: str, domain_id: str, ensure: Ensure) -> _Meaning:
    given = person.details
    day = given.get("requested_on")
    return (
        *(file, domain_id, person.speaker_id, ensure),
        None if day is None else date.fromisoformat(day).isoformat(),
        *(_text(given.get("reason")), _text(given.get("ticket"))),
    )


def _text(text: str | None) -> str | None:
    """Return a text without line ends after it: for a block of text they depend on what follows in the file."""
    return None if text is None else text.rstrip("\n")
