"""Edits of register files, made as a person makes them: lines come and go, every other byte stays.

Here is whom an edit adds or releases, the YAML that says so, and the check that it did nothing else; ``rewrite``
finds where in a file it goes. A YAML library that writes a document anew (ruamel.yaml was tried) normalises
indentation and spacing, and takes a minute for 100,000 entries.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from voiceid_optout.register import Entry, Register
from voiceid_optout.register.faults import Location, RegisterError
from voiceid_optout.register.fields import ListField, TextRule
from voiceid_optout.speakers import Ensure

_UNUSUAL = (
    "this is written in a way that the command does not edit: give each person a line of their own that begins "
    "with '- ', or change the file by hand"
)


class CannotEdit(RegisterError):  # noqa: N818 - a verdict about a file, as RegisterInvalid is
    """A file is written in a way that no edit of ours can be sure about; nothing was written."""

    def __init__(self, place: str, problem: str = _UNUSUAL) -> None:
        super().__init__(f"{place}: {problem}")


# Words that need no quotes anywhere in YAML; rarer ones get quotes, which are never wrong.
_PLAIN = re.compile(r"id#\w+|[^\W_](?:[\w .,;/()+=%&-]*[\w.)%-])?")


@dataclass(frozen=True, slots=True)
class Person:
    """An id with its evidence: texts by the names of an entry's fields.

    ``replaces`` is the place of the entry, in the same file, that this one takes the place of, comments included.
    """

    speaker_id: str = field(repr=False)
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    replaces: Location | None = None


@dataclass(frozen=True, slots=True)
class Style:
    """How a file writes its lists: columns before the dash, blanks after it, and what ends a line."""

    indent: int
    gap: int
    line_end: str


@dataclass(frozen=True, slots=True)
class Comments:
    """Comments of an entry, each from its ``#`` on: in the lines above it, and within."""

    above: Sequence[str] = ()
    within: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.above or self.within)


def block(person: Person, spec: ListField, style: Style, comments: Comments = Comments()) -> str:
    """Return the person's lines in a list; an id without details is a line by itself where the list allows it.

    Comments from within go beside the id and below.
    """
    dash = f"{' ' * style.indent}-{' ' * style.gap}"
    within = " " * len(dash)
    pairs = _pairs(person, spec)
    if len(pairs) == 1 and spec.bare:
        lines = [f"{dash}{pairs[0][1]}"]
    else:
        lines = [f"{within}{name}: {text}" for name, text in pairs]
        lines[0] = f"{dash}{lines[0].lstrip()}"
    if comments.within:
        lines[0] += f"  {comments.within[0]}"
    lines += [f"{within}{comment}" for comment in comments.within[1:]]
    lines = [*(f"{' ' * style.indent}{comment}" for comment in comments.above), *lines]
    return "".join(line + style.line_end for line in lines)


def flow(person: Person, spec: ListField) -> str:
    """Return the person as an item between brackets, where no comment has a place."""
    pairs = [(name, f'"{text}"' if "," in text and text[0] != '"' else text) for name, text in _pairs(person, spec)]
    if len(pairs) == 1 and spec.bare:
        return pairs[0][1]
    return "{" + ", ".join(f"{name}: {text}" for name, text in pairs) + "}"


def _pairs(person: Person, spec: ListField) -> list[tuple[str, str]]:
    """Return names and texts as YAML, in the order of the format."""
    texts = {"id": person.speaker_id, **person.details}
    return [(each.name, _word(texts[each.name], each.rule)) for each in spec.fields if each.name in texts]


def _word(text: str, rule: TextRule) -> str:
    if _PLAIN.fullmatch(text) and rule.problem(text, plain=True) is None:
        return text
    return json.dumps(text, ensure_ascii=False)  # a string of JSON is a double-quoted one of YAML


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


def to_add(
    register: Register, given: Sequence[Given], *, domain_id: str, file: str, skip_listed: bool = False
) -> dict[str, FileChange]:
    """Return the changes that opt people out, by file; raises Refused, with all problems.

    Who is under `released` is put back under `speakers` of the same file: a new objection outweighs the consent
    before it. Who is listed already is refused, or passed over with ``skip_listed``.
    """
    wanted = {each.person.speaker_id for each in given}
    listed = {
        entry.speaker_id: entry
        for entry in register.entries
        if entry.speaker_id in wanted and entry.domain_id == domain_id
    }
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
    wanted = {each.person.speaker_id for each in given}
    listed: dict[str, list[Entry]] = {}
    for entry in register.entries:
        if entry.speaker_id in wanted and entry.file in within:
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
    change = changes.setdefault(entry.file, FileChange())
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
    return f"{entry.file}:{entry.line}"


_Meaning = tuple[str, str, str, Ensure, date | None, date | None, str | None, str | None]


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
    who = (entry.file, entry.domain_id, entry.speaker_id, entry.ensure)
    return *who, entry.requested_on, entry.review_on, _text(entry.reason), _text(entry.ticket)


def _of_person(person: Person, file: str, domain_id: str, ensure: Ensure) -> _Meaning:
    given = person.details
    return (
        *(file, domain_id, person.speaker_id, ensure),
        *(_day(given.get("requested_on")), _day(given.get("review_on"))),
        *(_text(given.get("reason")), _text(given.get("ticket"))),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _text(text: str | None) -> str | None:
    """Return a text without line ends after it: for a block of text they depend on what follows in the file."""
    return None if text is None else text.rstrip("\n")
