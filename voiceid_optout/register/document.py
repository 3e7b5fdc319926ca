"""Read the document of one register file: one pass over its events, no tree in between."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

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
    SPEAKERS,
    Field,
    ListField,
    TextRule,
    is_null,
    suggest,
)
from voiceid_optout.speakers import Ensure


class Listed(NamedTuple):
    """One person as a file lists them; which domain is known only once the file is read."""

    speaker_id: str
    ensure: Ensure
    location: Location
    details: Mapping[str, str]

    def __repr__(self) -> str:
        """Return the place alone: the rest identifies a person."""
        return f"Listed({self.location})"


@dataclass(slots=True)
class Document:
    """What one file says; with ``faults``, as much of it as could be read.

    ``domain``: what the file writes and where; None if it says nothing. ``domain_unknown``: it says something
    that is refused already, so nothing more can be said about it.
    """

    file: str
    listed: list[Listed] = field(default_factory=list, repr=False)
    domain: str | None = field(default=None, repr=False)
    domain_at: Location | None = None
    domain_unknown: bool = False
    faults: list[Fault] = field(default_factory=list)


_NO_DETAILS: Mapping[str, str] = {}


def read_document(events: Events) -> Document:
    """Return what the file says, with all its faults; never raises."""
    reader = _Reader(events)
    try:
        reader.stream()
    except StopReading:
        reader.document.domain_unknown = reader.document.domain is None
    reader.document.faults = events.faults
    return reader.document


class _Reader:
    """Recursive descent, as deep as the format and no deeper."""

    def __init__(self, events: Events) -> None:
        self.events = events
        self.document = Document(events.file)
        self.texts: dict[str, str] = {}

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
                text = self._text(DOMAIN_FIELD, key, value)
                if self.document.domain_at is None:
                    self.document.domain, self.document.domain_unknown = text, text is None
                    self.document.domain_at = self.events.location(value)
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

    def _entries(self, spec: ListField) -> None:
        read, place, add = self.events.next, self.events.location, self.document.listed.append
        ensure, is_plain = spec.ensure, PLAIN_ID.fullmatch if spec.bare else lambda _text: None
        while True:
            event = read()
            match event:
                case ScalarEvent() if not event.style and event.tag is None and is_plain(event.value):
                    add(Listed(event.value, ensure, place(event), _NO_DETAILS))
                case ScalarEvent():
                    self._bare(spec, event)
                case MappingStartEvent():
                    self._entry(spec, event)
                case SequenceEndEvent():
                    return
                case _:
                    self._wrong_type(event, "a list inside a list: an entry is an id, or a mapping with 'id'")

    def _bare(self, spec: ListField, event: ScalarEvent) -> None:
        text = self._checked(SPEAKERS.by_name["id"].rule, event)
        if text is None:
            return
        if not spec.bare:
            message = "released without a reason: write 'id:' and 'reason:'"
            self.events.fault(event, Code.MISSING_REASON, message)
        self._list(text, spec, event, _NO_DETAILS)

    def _entry(self, spec: ListField, start: MappingStartEvent) -> None:
        seen: dict[str, Event] = {}
        details: dict[str, str] = {}
        while (key := self._key(seen, spec.by_name)) is not None:
            name = key.value
            text = self._text(spec.by_name[name], key, self.events.next())
            if text is not None and name not in details:
                details[name] = text
        for each in spec.fields:
            if each.required is not None and each.name not in seen:
                self.events.fault(start, each.required, f"this entry has no '{each.name}': add it")
        speaker_id = details.pop("id", None)
        if speaker_id is not None:
            self._list(speaker_id, spec, start, details)

    def _list(self, text: str, spec: ListField, event: Event, details: Mapping[str, str]) -> None:
        self.document.listed.append(Listed(text, spec.ensure, self.events.location(event), details))

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

    def _text(self, spec: Field, key: ScalarEvent, value: Event) -> str | None:
        """Return a field's text if it is as it should be; a missing one is reported at its key."""
        if isinstance(value, ScalarEvent):
            if value.value == "" and not value.style:
                self.events.fault(key, Code.NO_VALUE, f"'{spec.name}' has no value: fill it in or delete it")
                return None
            text = self._checked(spec.rule, value)
            if spec.rule.prose and not value.style and (cut := self.events.cut_at(value)) is not None:
                message = "the text ends before ' #', where a comment begins: put it in quotes, or write '# ' there"
                self.events.fault_at(cut, Code.CUT_BY_COMMENT, message)
            # Days, tickets and reasons repeat; one copy of each is enough.
            return None if text is None else self.texts.setdefault(text, text)
        self._wrong_type(value, f"'{spec.name}' is a text, not a list or mapping: check the indentation")
        return None

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
