"""The engine's events as a file: one JSON object a line, in the form the Pulumi CLI gives them."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, Self

from optout.cli.errors import CommandError
from optout.engine.events import to_json

if TYPE_CHECKING:
    from pathlib import Path


class EventLog:
    """Writes events to ``path``; without a path it writes nothing. A context manager."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._stream = self._path.open("w", encoding="utf-8")
            except OSError as error:
                raise CommandError(f"cannot write the event log {self._path}: {error.strerror}") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, event: Any) -> None:
        """Write one event; engines hand them over one at a time."""
        if self._stream is not None:
            self._stream.write(json.dumps(to_json(event), ensure_ascii=False) + "\n")
