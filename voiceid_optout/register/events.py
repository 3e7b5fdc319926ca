"""The YAML events of one file, with everything a register does not use from YAML already refused.

Events carry line marks and cost a ninth of composed nodes. libyaml makes them when PyYAML has it, else
PyYAML's own parser does; both give the same positions for everything but syntax errors.

What a parser could not read is explained in words for people. The parser's own words name tokens and quote the
text, which may be an identifier; none of them is passed on.
"""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import CollectionEndEvent, CollectionStartEvent, Event, NodeEvent

from voiceid_optout.files import MAX_DEPTH
from voiceid_optout.register.faults import Code, Fault, Location

# Parts of what libyaml and PyYAML say (context and problem), most telling first, and what it means here.
_ADVICE: tuple[tuple[str, Code, str], ...] = (
    ("tag handle", Code.TAG, "tags ('!') are not used in a register: delete it, and put the text in quotes"),
    (
        "scanning an a",  # an alias, an anchor
        Code.ANCHOR_OR_ALIAS,
        "'&' and '*' have a meaning in YAML: put the text in quotes",
    ),
    (
        "document start>",
        Code.YAML_SYNTAX,
        "text after the end of the document: delete the line of '...'",
    ),
    (
        "cannot start any token",
        Code.YAML_SYNTAX,
        "no value can start with this character: put the text in quotes",
    ),
    (
        "mapping values",
        Code.YAML_SYNTAX,
        "no ':' can stand here: check the indentation, or put the text in quotes",
    ),
    ("block mapping", Code.YAML_SYNTAX, "this line does not fit the ones above: check its indentation"),
    (
        "block collection",
        Code.YAML_SYNTAX,
        "no '- ' here, but the lines above are a list: check the indentation",
    ),
    ("flow sequence", Code.YAML_SYNTAX, "a list in brackets lacks a ',' or its ']'"),
    ("flow mapping", Code.YAML_SYNTAX, "a mapping in braces lacks a ',' or its '}'"),
    ("end of stream", Code.YAML_SYNTAX, "a quoted text is not closed"),
    ("document indicator", Code.YAML_SYNTAX, "a quoted text is not closed before a line of '---' or '...'"),
    ("expected ':'", Code.YAML_SYNTAX, "a key lacks its ':'"),
    ("escape", Code.YAML_SYNTAX, "'\\' starts an escape inside double quotes: use single quotes"),
    ("incompatible YAML", Code.YAML_SYNTAX, "a %YAML line of another version: delete it"),
    (
        "directive",
        Code.YAML_SYNTAX,
        "a line that starts with '%' is a YAML directive: put the text in quotes",
    ),
    ("node", Code.YAML_SYNTAX, "a value is missing, or a bracket or brace is not closed"),
)
_UNKNOWN = "YAML cannot be read from here on: check indentation, quotes and brackets just before"


def explain(error: YAMLError | ValueError | OverflowError, data: bytes) -> tuple[int, int, Code, str]:
    """Return line, column (from 1) and what is wrong, from a parser's error over ``data`` (UTF-8)."""
    if not isinstance(error, MarkedYAMLError):
        # PyYAML's own parser stumbles over an escape beyond Unicode and does not say where.
        return 1, 1, Code.YAML_SYNTAX, "a text in this file holds an escape that is no character: correct it"
    mark = error.problem_mark or error.context_mark
    line, column = (0, 0) if mark is None else (mark.line, mark.column)
    tab = _tab_in_indentation(data, line)
    if tab is not None:
        return line + 1, tab + 1, Code.TAB_INDENTATION, "a tab in the indentation: use spaces"
    said = f"{error.context or ''} {error.problem or ''}"
    code, message = next(
        ((code, advice) for part, code, advice in _ADVICE if part in said), (Code.YAML_SYNTAX, _UNKNOWN)
    )
    start = error.context_mark
    begins_before = start is not None and (start.line, start.column) < (line, column)
    if _is_end(data, line, column):
        if start is not None and begins_before:
            # Something is open to the end of the file; where it begins is the only place to look at.
            return start.line + 1, start.column + 1, code, f"{message}; it begins here"
        line, column = _last_character(data)  # parsers count an empty line after the last one
    elif start is not None and begins_before and start.line < line:
        message = f"{message}; it begins at line {start.line + 1}, column {start.column + 1}"
    return line + 1, column + 1, code, message


def _tab_in_indentation(data: bytes, line: int) -> int | None:
    """Return the column (from 0) of a tab before the first word of a line."""
    lines = _lines(data)
    text = lines[line] if line < len(lines) else b""
    indentation = text[: len(text) - len(text.lstrip(b" \t-"))]
    column = indentation.find(b"\t")
    return None if column < 0 else column


def _is_end(data: bytes, line: int, column: int) -> bool:
    """Whether nothing but blanks stands from a place on."""
    first, *others = _lines(data)[line:] or [b""]
    return not first.decode()[column:].strip() and not any(text.strip() for text in others)


def _last_character(data: bytes) -> tuple[int, int]:
    """Return line and column (from 0) of the last character that is no blank."""
    lines = _lines(data.rstrip())
    return len(lines) - 1, max(0, len(lines[-1].decode()) - 1)


def _lines(data: bytes) -> list[bytes]:
    return re.split(rb"\r\n|\r|\n", data)


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
        self.may_have_cuts = b" #" in data or b"\t#" in data
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
        if not self.may_have_cuts or end is None or end.line >= len(self._lines):
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
