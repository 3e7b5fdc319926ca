"""What other programs say, made fit for people: one line instead of a traceback, no values of properties."""

from __future__ import annotations

import os
import re
from pathlib import PurePath

DEBUG_VARIABLE = "OPTOUT_DEBUG"  # shows what others say in full, which may include identifiers
TRACEBACK = "Traceback (most recent call last):"

# The CLI quotes the value of a property it refuses, in clear even when it is a secret.
_QUOTED_VALUE = re.compile(r"(?:.*: )?property (?P<name>\S+) (?:with )?value .* has a problem: ", re.DOTALL)


_UNHANDLED = "unhandled exception"  # the word of Pulumi's language host
_CHAINED = ("During handling of the above", "The above exception was")
_FRAME = re.compile(r'^[ |+]*File "([^"]+)", line (\d+)', re.MULTILINE)
_LIBRARY = re.compile(r"[/\\](?:site-packages|lib[/\\]python[\d.]+)[/\\]|^<")


def last_line(text: str) -> str:
    """Return the last line that says something; a traceback's is its exception, without the class's name."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return "no reason given"
    head, _, tail = lines[-1].partition(": ")
    return tail if tail and _is_exception(head) else lines[-1]


def _is_exception(name: str) -> bool:
    last = name.rsplit(".", 1)[-1]
    return name.replace(".", "_").isidentifier() and (last.lstrip("_")[:1].isupper() or last.endswith("error"))


def without_values(text: str) -> str:
    """Return the text without the value of a property that was found invalid: it may be an identifier."""
    return _QUOTED_VALUE.sub(lambda match: f"property {match['name']}: ", text)


def for_people(text: str) -> str:
    """Return a message as its author meant it: of a traceback the last line, anything else whole.

    An exception that nobody expected has no author: nobody has made sure that its text names nobody.
    """
    before, found, trace = text.partition(TRACEBACK)
    if found and _UNHANDLED in before:
        return unhandled(trace)
    return without_values(last_line(trace) if found else text.strip())


def unhandled(trace: str) -> str:
    """Return type and place of the exception that a traceback ends with, and not its text."""
    if os.environ.get(DEBUG_VARIABLE):
        return trace.strip().splitlines()[-1]
    ends = [line for line in trace.rpartition(TRACEBACK)[2].splitlines() if line[:1].strip()]
    name = _exception(ends[0] if ends else "")
    # What it says may include identifiers.
    return f"the program ended with {name} at {_place(trace)}; {DEBUG_VARIABLE}=1 shows what it says"


def _exception(line: str) -> str:
    name = line.partition(":")[0].strip()
    return name.rsplit(".", 1)[-1] if name.replace(".", "_").isidentifier() else "an exception"


def _place(trace: str) -> str:
    """Return file and line of the innermost frame that is not a library's."""
    frames = _FRAME.findall(trace)
    own = [frame for frame in frames if not _LIBRARY.search(frame[0])]
    file, line = (own or frames or [("a place that it does not tell", "")])[-1]
    return f"{PurePath(file).name}:{line}" if line else file


class ErrorLines:
    """Standard error, line by line: of a traceback there is a line left, the exception's type and place."""

    def __init__(self) -> None:
        self._trace = ""

    def shown(self, line: str) -> str | None:
        """Return what to show for a line; None for nothing."""
        if line.startswith(TRACEBACK):
            self._trace = f"{line}\n"
            return None
        if line.startswith(_CHAINED):
            return None
        if not self._trace:
            return line
        if line.startswith(" ") or not line.strip():
            self._trace += f"{line}\n"
            return None
        trace, self._trace = self._trace, ""
        if line.startswith("KeyboardInterrupt"):  # how the CLI ends a program whose run has failed
            return None
        return line if os.environ.get(DEBUG_VARIABLE) else f"{_exception(line)} at {_place(trace)}"
