"""What is to become of a register when people are added to it or released; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from voiceid_optout.register.edit.person import Person
from voiceid_optout.register.errors import RegisterError
from voiceid_optout.register.model import Entry, Register
from voiceid_optout.speakers import Ensure


@dataclass(frozen=True, slots=True)
class Given:
    """A person as somebody named them; ``place`` is where: `the 2nd id`, `people.csv:3`."""

    place: str
    person: Person


@dataclass(slots=True)
class FileChange:
    """What is to become of one file: people by the list they are added to, and entries that go."""

    add: dict[Ensure, list[Person]] = field(default_factory=lambda: {each: [] for each in Ensure}, repr=False)
    remove: list[Entry] = field(default_factory=list, repr=False)


class Refused(RegisterError):  # noqa: N818 - a verdict, as RegisterInvalid is
    """People who cannot be added or released as asked; ``problems`` has a line for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


Changes = Mapping[str, FileChange]


def to_add(
    register: Register, given: Sequence[Given], *, domain_id: str, file: str, skip_listed: bool = False
) -> dict[str, FileChange]:
    """Return the changes that opt people out, by file; raises Refused, with all problems.

    Who is under `released` is put back under `speakers` of the same file: a new objection outweighs the consent
    before it. Who is listed already is refused, or passed over with ``skip_listed``.
    """
    listed = {entry.speaker_id: entry for entry in register.entries if entry.domain_id == domain_id}
    changes: dict[str, FileChange] = {}
    problems = _repeated(given)
    for each in given:
        entry = listed.get(each.person.speaker_id)
        if entry is None:
            changes.setdefault(file, FileChange()).add[Ensure.OPTED_OUT].append(each.person)
        elif entry.ensure is Ensure.RELEASED:
            _move(changes, entry, each.person, Ensure.OPTED_OUT)
        elif not skip_listed:
            problems.append(f"{each.place}: already listed at {_place(entry)}")
    if problems:
        raise Refused(problems)
    return changes


def to_release(register: Register, given: Sequence[Given], *, within: Collection[str]) -> dict[str, FileChange]:
    """Return the changes that release people, by file; raises Refused, with all problems.

    ``within``: the files to look into.
    """
    listed: dict[str, list[Entry]] = {}
    for entry in register.entries:
        if entry.location.file in within:
            listed.setdefault(entry.speaker_id, []).append(entry)
    changes: dict[str, FileChange] = {}
    problems = _repeated(given)
    for each in given:
        entries = listed.get(each.person.speaker_id, [])
        if not each.person.details.get("reason", "").strip():
            problems.append(f"{each.place}: released without a reason: a release must be accountable")
        elif not entries:
            problems.append(f"{each.place} is not in the register")
        elif len(entries) > 1:
            places = " and ".join(_place(entry) for entry in entries)
            problems.append(f"{each.place} is listed in several domains, at {places}: say which with --domain")
        elif entries[0].ensure is Ensure.RELEASED:
            problems.append(f"{each.place}: already released at {_place(entries[0])}")
        else:
            _move(changes, entries[0], each.person, Ensure.RELEASED)
    if problems:
        raise Refused(problems)
    return changes


def to_adopt(register: Register, names: Iterable[tuple[str, ...]], *, domain_id: str) -> tuple[list[Person], int]:
    """Return the people whom the register does not list yet, and how many it does.

    ``names``: all ids under which the service knows a speaker, the one to list first.
    """
    listed = {entry.speaker_id for entry in register.entries if entry.domain_id == domain_id}
    new: list[Person] = []
    known = 0
    for ids in names:
        if listed.isdisjoint(ids):
            listed.update(ids)
            new.append(Person(ids[0]))
        else:
            known += 1
    return new, known


def _move(changes: dict[str, FileChange], entry: Entry, person: Person, to: Ensure) -> None:
    change = changes.setdefault(entry.location.file, FileChange())
    change.remove.append(entry)
    change.add[to].append(replace(person, replaces=entry.location))


def _repeated(given: Sequence[Given]) -> list[str]:
    first: dict[str, Given] = {}
    return [
        f"{each.place}: the same as {earlier.place}"
        for each in given
        if (earlier := first.setdefault(each.person.speaker_id, each)) is not each
    ]


def _place(entry: Entry) -> str:
    return f"{entry.location.file}:{entry.location.line}"
