"""What other programs say, made fit for people: one line instead of a traceback, no values of properties."""

from __future__ import annotations

import re

TRACEBACK = "Traceback (most recent call last):"

# The CLI quotes the value of a property it refuses, in clear even when it is a secret.
_QUOTED_VALUE = re.compile(r"(?:.*: )?property (?P<name>\S+) (?:with )?value .* has a problem: ", re.DOTALL)


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
    """Return a message as its author meant it: of a traceback the last line, anything else whole."""
    _, found, trace = text.partition(TRACEBACK)
    return without_values(last_line(trace) if found else text.strip())
