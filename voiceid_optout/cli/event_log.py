"""The engine's events, one JSON object a line, in the form the Pulumi CLI gives them: in a file, or at once."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, Self

from voiceid_optout.cli.errors import CommandError
from voiceid_optout.engine.events import to_json

if TYPE_CHECKING:
    from pathlib import Path


class EventLog:
    """Writes events to ``path``; without a path it writes nothing. A context manager."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stream: IO[str] | None = None
        self._failure: OSError | None = None

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._stream = self._path.open("w", encoding="utf-8")
            except OSError as error:
                raise self._error(error) from error
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        self._close()
        if self._failure is not None and error is None:
            raise self._error(self._failure)

    def write(self, event: Any) -> None:
        """Write one event; engines hand them over one at a time.

        A failure ends the log and is raised at the end of the block: the run itself must not suffer from it.
        """
        if self._stream is not None:
            try:
                self._stream.write(json.dumps(to_json(event), ensure_ascii=False) + "\n")
            except OSError as error:
                self._failure = error
                self._close()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        try:
            if stream is not None:
                stream.close()
        except OSError as error:
            self._failure = self._failure or error

    def _error(self, error: OSError) -> CommandError:
        return CommandError(f"cannot write the event log {self._path}: {error.strerror}")
