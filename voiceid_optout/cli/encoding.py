"""Output where the locale knows fewer letters than UTF-8: plain ones in their place, never an error."""

from __future__ import annotations

import codecs
import io

HANDLER = "optout-plain"
_PLAIN = {"·": ".", "±": "x", "…": "..."}


def plain(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded, as an error handler of :mod:`codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def make_tolerant(*streams: object) -> None:
    """Let text streams write every text, whatever their encoding; others are left alone."""
    codecs.register_error(HANDLER, plain)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)
