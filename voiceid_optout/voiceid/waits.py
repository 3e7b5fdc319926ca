"""What a client that waits says, and how the command line knows it again: between them lies an engine's log."""

from __future__ import annotations

import re

_WORDS = "Voice ID: {operation} waits for its quota, another {seconds:.0f} s"
_PATTERN = re.compile(r"Voice ID: (?P<reason>\w+ waits for its quota), another \d+ s")


def announce(operation: str, seconds: float) -> str:
    """Return the sentence for an operation that waits this long for its quota."""
    return _WORDS.format(operation=operation, seconds=seconds)


def reason(message: str) -> str | None:
    """Return why something waits, without the seconds; None for any other message."""
    found = _PATTERN.fullmatch(message.strip())
    return found["reason"] if found else None
