"""Spans of a text and what comes in their place."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Patch:
    """Put ``text`` where ``start`` to ``end`` (offsets) was; nothing was there if they are the same."""

    start: int
    end: int
    text: str = field(default="", repr=False)


def apply(text: str, patches: Iterable[Patch]) -> str:
    """Return the text with all patches made; those at one place in their order."""
    pieces: list[str] = []
    done = 0
    for patch in sorted(patches, key=lambda patch: (patch.start, patch.end)):
        pieces += (text[done : patch.start], patch.text)
        done = max(done, patch.end)
    pieces.append(text[done:])
    return "".join(pieces)
