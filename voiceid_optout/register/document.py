"""Read the document of one register file: one pass over its events, no tree in between."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from voiceid_optout.register.events import Events, StopReading
from voiceid_optout.register.faults import Code, Fault, Location
from voiceid_optout.register.fields import (
    DOMAIN_FIELD,
    FILE_KEYS,
    LISTS,
    PLAIN_ID,
    SPEAKER_ID,
    SPEAKERS,
    Field,
    ListField,
    TextRule,
    is_null,
    parse_date,
    suggest,
)
from voiceid_optout.speakers import Ensure

Evidence = tuple[date | None, str | None, str | None, date | None]


class Entry(NamedTuple):
    """One person in one domain, and the place in a file that says so.

    ``speaker_id`` is a CustomerSpeakerId, or a GeneratedSpeakerId written ``id#`` and 22 characters. It and
    ``reason`` speak about a person and stay out of ``repr``. ``review_on`` is when to look at the entry again.
    A register has millions: one tuple each, with the parts of the place in it.
    """

    domain_id: str
    speaker_id: str
    ensure: Ensure
    file: str
    line: int
    column: int
    requested_on: date | None = None
    reason: str | None = None
    ticket: str | None = None
    review_on: date | None = None

    @property
    def location(self) -> Location:
        """Where the entry begins."""
        return Location(self.file, self.line, self.column)

    @property
    def evidence(self) -> Evidence:
        """What the entry says besides, in the order of EVIDENCE."""
        return self[6:]

    def at(self, place: Location) -> "Entry":
        """Return the same entry at another place."""
        return self._replace(file=place.file, line=place.line, column=place.column)

    def __repr__(self) -> str:
        """Return what identifies nobody."""
        return f"Entry({self.domain_id}, {self.ensure}, {self.location})"


EVIDENCE = Entry._fields[6:]
NO_EVIDENCE: Evidence = (None, None, None, None)


@dataclass(slots=True)
class Document:
    """What one file says; with ``faults``, as much of it as could be read.

    ``domain``: what the file writes and where; None if it says nothing. ``domain_unknown``: it says something
    that is refused already, so nothing more can be said about it.
    """

    file: str
    listed: list[Entry] = field(default_factory=list, repr=False)
    domain: str | None = field(default=None, repr=False)
    domain_at: Location | None = None
    domain_unknown: bool = False
    faults: list[Fault] = field(default_factory=list)


def read_document(events: Events, domain_id_of: Callable[[Document], str] = lambda _: "") -> Document:
    """Return what the file says, with all its faults; never raises.

    ``domain_id_of`` says which domain the entries are about, as soon as it is known what the file says of it.
    """
    reader = _Reader(events, domain_id_of)
    try:
        reader.stream()
    except StopReading:
        reader.document.domain_unknown = reader.document.domain is None
    reader.document.faults = events.faults
    return reader.document


class _Reader:
    """Recursive descent, as deep as the format and no deeper."""

    def __init__(self, events: Events, domain_id_of: Callable[[Document], str]) -> None:
        self.events = events
        self.document = Document(events.file)
        self.domain_id_of = domain_id_of
        # What each field says, without quotes and with them: days, tickets and reasons repeat. To look at each once
        # is enough, and so is one copy.
        self.plain: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.quoted: defaultdict[str, dict[str, Any]] = defaultdict(dict)

    def stream(self) -> None:
        self.events.next()
        start = self.events.next()
        if isinstance(start, StreamEndEvent):
            self._empty()
            return
        self._root(self.events.next())
        self.events.next()
        end = self.events.next()
        if not isinstance(end, StreamEndEvent):
            message = "a second document starts here: put it into a file of its own"
            self.events.fault(end, Code.SEVERAL_DOCUMENTS, message)

    def _empty(self) -> None:
        self.document.domain_unknown = True
        message = "the file says nothing: delete it, or write 'speakers: []' if nobody is listed on purpose"
        self.events.fault_at(Location(self.events.file, 1, 1), Code.EMPTY_FILE, message)

    def _root(self, event: Event) -> None:
        match event:
            case MappingStartEvent():
                self._file(event)
            case SequenceStartEvent():
                self._entries(SPEAKERS)
            case ScalarEvent() if not event.style and is_null(event.value):
                self._empty()
            case _:
                self.document.domain_unknown = True
                message = "a register is a list of ids, or a mapping with 'speakers' and 'released'"
                self._wrong_type(event, message)

    def _file(self, start: Event) -> None:
        seen: dict[str, Event] = {}
        while (key := self._key(seen, FILE_KEYS)) is not None:
            value = self.events.next()
            name = key.value
            if name == DOMAIN_FIELD.name:
                text = self._value(DOMAIN_FIELD, key, value)
                if self.document.domain_at is None:
                    self.document.domain, self.document.domain_unknown = text, text is None
                    self.document.domain_at = self.events.location(value)
                    if self.document.listed:
                        self._move()
            elif isinstance(value, SequenceStartEvent):
                self._entries(LISTS[name])
            elif isinstance(value, ScalarEvent) and not value.style and is_null(value.value):
                message = f"'{name}' has no value: write '{name}: []' if nobody is listed on purpose"
                self.events.fault(key, Code.NO_VALUE, message)
            else:
                self._wrong_type(value, f"'{name}' is a list: write each person on a line of its own after '- '")
        if not seen.keys() & LISTS.keys():
            message = "nobody is listed: give 'speakers' or 'released' (an empty list is [])"
            self.events.fault(start, Code.NOBODY_LISTED, message)

    def _move(self) -> None:
        """Give the entries the domain that the file names below them."""
        domain_id = self.domain_id_of(self.document)
        self.document.listed[:] = [each._replace(domain_id=domain_id) for each in self.document.listed]

    def _entries(self, spec: ListField) -> None:
        read, add, make = self.events.next, self.document.listed.append, Entry._make
        file, domain_id, ensure = self.document.file, self.domain_id_of(self.document), spec.ensure
        is_plain = PLAIN_ID.fullmatch if spec.bare else lambda _text: None
        while True:  # a million times: nothing is called or made that need not be
            event = read()
            evidence = NO_EVIDENCE
            if isinstance(event, ScalarEvent):
                speaker_id = event.value if is_plain(event.value) else self._bare(spec, event)
            elif isinstance(event, MappingStartEvent):
                speaker_id, evidence = self._entry(spec, event)
            elif isinstance(event, SequenceEndEvent):
                return
            else:
                self._wrong_type(event, "a list inside a list: an entry is an id, or a mapping with 'id'")
                continue
            if speaker_id is not None:
                mark = event.start_mark
                assert mark is not None  # noqa: S101 - as in Events.location
                add(make((domain_id, speaker_id, ensure, file, mark.line + 1, mark.column + 1, *evidence)))

    def _bare(self, spec: ListField, event: ScalarEvent) -> str | None:
        text = self._checked(SPEAKER_ID, event)
        if text is not None and not spec.bare:
            message = "released without a reason: write 'id:' and 'reason:'"
            self.events.fault(event, Code.MISSING_REASON, message)
        return text

    def _entry(self, spec: ListField, start: MappingStartEvent) -> tuple[str | None, Evidence]:
        seen: dict[str, Event] = {}
        said: dict[str, Any] = {}
        while (key := self._key(seen, spec.by_name)) is not None:
            name = key.value
            value = self._value(spec.by_name[name], key, self.events.next())
            if value is not None:
                said.setdefault(name, value)
        for name, code in spec.required:
            if name not in seen:
                self.events.fault(start, code, f"this entry has no '{name}': add it")
        get = said.get
        return get("id"), (get("requested_on"), get("reason"), get("ticket"), get("review_on"))

    def _key(self, seen: dict[str, Event], known: Iterable[str]) -> ScalarEvent | None:
        """Return the next known key, passing over all others with their values; None at the mapping's end."""
        while True:
            event = self.events.next()
            if isinstance(event, MappingEndEvent):
                return None
            if isinstance(event, ScalarEvent):
                name = event.value
                if name in known:
                    if name in seen:
                        first = self.events.location(seen[name])
                        message = f"'{name}' is given twice: keep one; first given at {first}"
                        self.events.fault(event, Code.DUPLICATE_KEY, message, first)
                    else:
                        seen[name] = event
                    return event
                self._unknown_key(event, known)
            else:
                self._complex_key(event)
            self.events.skip(self.events.next())

    def _unknown_key(self, key: ScalarEvent, known: Iterable[str]) -> None:
        if key.value == "<<" and not key.style:
            message = "merge keys ('<<') are not used in a register: write the keys out"
            self.events.fault(key, Code.MERGE_KEY, message)
        else:
            self.events.fault(key, Code.UNKNOWN_KEY, suggest(key.value, known))

    def _complex_key(self, event: Event) -> None:
        if not isinstance(event, AliasEvent):
            self.events.fault(event, Code.COMPLEX_KEY, "a key must be a word: check brackets and braces")
            self.events.skip(event)

    def _value(self, spec: Field, key: ScalarEvent, event: Event) -> Any:
        """Return a field's text or day if it is as it should be; a missing one is reported at its key."""
        if not isinstance(event, ScalarEvent):
            self._wrong_type(event, f"'{spec.name}' is a text, not a list or mapping: check the indentation")
            return None
        said = (self.quoted if event.style else self.plain)[spec.name]
        value = said.get(event.value)
        if value is None:
            if event.value == "" and not event.style:
                self.events.fault(key, Code.NO_VALUE, f"'{spec.name}' has no value: fill it in or delete it")
                return None
            value = text = self._checked(spec.rule, event)
            if text is not None and spec.rule.is_date:
                value = parse_date(text)
            if text is not None and spec.rule is not SPEAKER_ID and event.tag is None:
                said[text] = value
        if self.events.may_have_cuts and spec.rule.prose and not event.style and (cut := self.events.cut_at(event)):
            message = "the text ends before ' #', where a comment begins: put it in quotes, or write '# ' there"
            self.events.fault_at(cut, Code.CUT_BY_COMMENT, message)
        return value

    def _checked(self, rule: TextRule, event: ScalarEvent) -> str | None:
        text: str = event.value
        problem = rule.problem(text, plain=not event.style and event.tag is None)
        if problem is None:
            return text
        message = problem.message
        if not event.style and _spans_lines(event):
            message = f"{message}; the text goes on over several lines: check the indentation of the next line"
        self.events.fault(event, problem.code, message)
        return None

    def _wrong_type(self, event: Event, message: str) -> None:
        if isinstance(event, AliasEvent):
            return  # refused already, and what it stands for is unknown
        self.events.fault(event, Code.WRONG_TYPE, message)
        self.events.skip(event)


def _spans_lines(event: Event) -> bool:
    start, end = event.start_mark, event.end_mark
    return start is not None and end is not None and end.line > start.line
