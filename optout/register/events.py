"""The YAML events of one file, with everything a register does not use from YAML already refused.

Events carry line marks and cost a ninth of composed nodes. libyaml makes them when PyYAML has it, else PyYAML's
own parser does; both give the same positions for everything but syntax errors.
"""

from collections.abc import Callable
from typing import Protocol

from yaml.error import Mark, MarkedYAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    NodeEvent,
    ScalarEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from optout.register.codes import Code
from optout.register.errors import Fault
from optout.register.model import Location
from optout.register.syntax import explain

try:
    from yaml.cyaml import CParser
except ImportError:  # pragma: no cover - PyYAML without libyaml
    CParser = None  # type: ignore[assignment,misc]

# A valid file needs three levels. libyaml slows down with the square of the depth.
MAX_DEPTH = 16
MAX_FAULTS = 10_000


class StopReading(Exception):  # noqa: N818 - not an error of its own: the fault is recorded
    """The rest of this file cannot be judged."""


class EventParser(Protocol):
    """What both of PyYAML's parsers offer."""

    def get_event(self) -> Event | None: ...


class PythonParser(Reader, Scanner, Parser):
    """PyYAML's parser without libyaml."""

    def __init__(self, data: bytes) -> None:
        Reader.__init__(self, data)
        Scanner.__init__(self)
        Parser.__init__(self)


def open_parser(data: bytes) -> EventParser:
    """Return the fastest parser there is."""
    return PythonParser(data) if CParser is None else CParser(data)


class Events:
    """A cursor over one file's events that gathers faults on the way."""

    def __init__(self, data: bytes, file: str, parser: Callable[[bytes], EventParser] = open_parser) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._data = data
        self._get_event = parser(data).get_event

    def location(self, mark: Mark) -> Location:
        """Where a mark is."""
        return Location(self.file, mark.line + 1, mark.column + 1)

    def fault(self, mark: Mark, code: Code, message: str, other: Location | None = None) -> None:
        """Record a fault."""
        if len(self.faults) >= MAX_FAULTS:
            message = f"more than {MAX_FAULTS} faults: the rest of this file is not shown"
            self.faults.append(Fault(self.location(mark), Code.TOO_MANY_FAULTS, message))
            raise StopReading
        self.faults.append(Fault(self.location(mark), code, message, other))

    def next(self) -> Event:
        """Return the next event; raises StopReading after a syntax error, which it records."""
        try:
            event = self._get_event()
        except MarkedYAMLError as error:
            mark, code, message = explain(error, self._data)
            self.fault(mark, code, message)
            raise StopReading from None
        if event is None:  # pragma: no cover - callers stop at the end of the stream
            raise StopReading
        if isinstance(event, NodeEvent) and (
            event.anchor is not None or getattr(event, "tag", None) is not None
        ):
            self._refuse_marks(event)
        return event

    def skip(self, event: Event) -> None:
        """Pass over a value whose start was just read."""
        depth = 0
        while True:
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    self.fault(event.start_mark, Code.TOO_DEEP, "nested too deeply: an entry is the deepest level")
                    raise StopReading
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
            if depth == 0:
                return
            event = self.next()

    def _refuse_marks(self, event: NodeEvent) -> None:
        """Anchors and tags make a file say more than a reviewer reads in it."""
        if isinstance(event, AliasEvent) or event.anchor is not None:
            message = "'&' and '*' are not used in a register: write the value out, or put the text in quotes"
            self.fault(event.start_mark, Code.ANCHOR_OR_ALIAS, message)
        elif isinstance(event, (ScalarEvent, CollectionStartEvent)):
            message = "tags ('!') are not used in a register: delete it, and put the text in quotes"
            self.fault(event.start_mark, Code.TAG, message)
