"""The YAML events of one file, with everything a register does not use from YAML already refused.

Events carry line marks and cost a ninth of composed nodes. libyaml makes them when PyYAML has it, else
PyYAML's own parser does; both give the same positions for everything but syntax errors.
"""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import yaml
from yaml.error import YAMLError
from yaml.events import CollectionEndEvent, CollectionStartEvent, Event, NodeEvent

from voiceid_optout.limits import MAX_DEPTH
from voiceid_optout.register.codes import Code
from voiceid_optout.register.errors import Fault
from voiceid_optout.register.model import Location
from voiceid_optout.register.syntax import explain

MAX_FAULTS = 10_000
_CUT = re.compile(r"[ \t]+#(?=[^\s#])")


class StopReading(Exception):  # noqa: N818 - not an error of its own: the fault is recorded
    """The rest of this file cannot be judged."""


class EventParser(Protocol):
    """What both of PyYAML's parsers offer."""

    def get_event(self) -> Event | None: ...


def open_parser(data: bytes) -> EventParser:
    """Return the fastest parser there is. A loader, because that is what PyYAML exports; it loads nothing."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)(data)


class Events:
    """A cursor over one file's events that gathers faults on the way."""

    def __init__(self, data: bytes, file: str, parser: Callable[[bytes], EventParser] = open_parser) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._data = data
        self._get_event = parser(data).get_event
        # Anchors, aliases and tags need one of these characters; most files have none and save the look.
        self._may_have_cuts = b" #" in data or b"\t#" in data
        self._may_have_marks = re.search(b"[&*!]", data) is not None

    def location(self, event: Event) -> Location:
        """Where an event starts."""
        mark = event.start_mark
        assert mark is not None  # noqa: S101 - for the type checker: both parsers mark every event
        return Location(self.file, mark.line + 1, mark.column + 1)

    def fault(self, event: Event, code: Code, message: str, other: Location | None = None) -> None:
        """Record a fault at an event's start."""
        self.fault_at(self.location(event), code, message, other)

    def fault_at(self, at: Location, code: Code, message: str, other: Location | None = None) -> None:
        """Record a fault; raises StopReading if there are too many."""
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(at, code, message, other))
            return
        message = f"more than {MAX_FAULTS} faults: the rest of this file is not shown"
        self.faults.append(Fault(at, Code.TOO_MANY_FAULTS, message))
        raise StopReading

    def next(self) -> Event:
        """Return the next event; raises StopReading after a syntax error, which it records."""
        try:
            event = self._get_event()
        except (YAMLError, ValueError, OverflowError) as error:
            line, column, code, message = explain(error, self._data)
            self.fault_at(Location(self.file, line, column), code, message)
            raise StopReading from None
        if event is None:  # pragma: no cover - callers stop at the end of the stream
            raise StopReading
        if self._may_have_marks and isinstance(event, NodeEvent):
            self._refuse_marks(event)
        return event

    def cut_at(self, event: Event) -> Location | None:
        """Return where a comment without a blank after its ``#`` follows a plain text in its line."""
        end = event.end_mark
        if not self._may_have_cuts or end is None or end.line >= len(self._lines):
            return None
        found = _CUT.match(self._lines[end.line], end.column)
        return None if found is None else Location(self.file, end.line + 1, found.end())

    @cached_property
    def _lines(self) -> list[str]:
        return re.split("\r\n|\r|\n", self._data.decode())

    def skip(self, event: Event) -> None:
        """Pass over a value whose start was just read."""
        depth = 0
        while True:
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    self.fault(event, Code.TOO_DEEP, "nested too deeply: an entry is the deepest level")
                    raise StopReading
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return
            event = self.next()

    def _refuse_marks(self, event: NodeEvent) -> None:
        """Anchors and tags make a file say more than a reviewer reads in it."""
        if event.anchor is not None:
            message = "'&' and '*' are not used in a register: write the value out, or put the text in quotes"
            self.fault(event, Code.ANCHOR_OR_ALIAS, message)
        if getattr(event, "tag", None) is not None:
            message = "tags ('!') are not used in a register: delete it, and put the text in quotes"
            self.fault(event, Code.TAG, message)
