"""The engine's events, one JSON object a line, in the form the Pulumi CLI gives them: in a file, or at once."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any, Self

from voiceid_optout.cli.errors import CommandError
from voiceid_optout.engine.events import to_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Mask = Callable[[Any], Any] | None


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

    def write(self, event: Any, mask: Mask = None) -> None:
        """Write one event, with ``mask`` applied to its JSON; engines hand them over one at a time.

        A failure ends the log and is raised at the end of the block: the run itself must not suffer from it.
        """
        if self._stream is not None:
            try:
                self._stream.write(json.dumps(document(event, mask), ensure_ascii=False) + "\n")
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


def document(event: Any, mask: Mask = None) -> Any:
    """Return an event as JSON, with ``mask`` applied."""
    found = to_json(event)
    return found if mask is None else mask(found)
