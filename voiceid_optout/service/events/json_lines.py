"""A sink that is a file: one event a line, appended and forced to disk."""

import os
from pathlib import Path

from voiceid_optout.service.events.sinks import FILE, SinkError


class JsonLinesSink:
    """Opens the file anew for every batch, so that it may be rotated by renaming it."""

    name = FILE
    batch = 1000

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, bodies: list[str]) -> None:
        """Append the events; raises SinkError."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "r+b", buffering=0) as file:
                file.write(_unfinished(handle) + "".join(f"{body}\n" for body in bodies).encode())
                os.fsync(handle)
        except OSError as error:
            raise SinkError(f"{self._path}: {error.strerror}") from error


def _unfinished(handle: int) -> bytes:
    """Return what ends a line that was cut by a crash: its event comes again as a line of its own."""
    size = os.fstat(handle).st_size
    return b"\n" if size and os.pread(handle, 1, size - 1) != b"\n" else b""
