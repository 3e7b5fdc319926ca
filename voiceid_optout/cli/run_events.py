"""What becomes of the engine's events: the log of them, in the Pulumi CLI's form, and whom an error is about."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from enum import Enum
from typing import IO, TYPE_CHECKING, Any, Self

from pulumi.automation.events import BaseEvent

from voiceid_optout import urn as urns
from voiceid_optout.cli.exit_codes import CommandError
from voiceid_optout.speakers import LABEL, SPEAKER_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Mask = Callable[[Any], Any] | None
    from collections.abc import Iterable, Mapping


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


_LABEL = re.compile(rf"\b{LABEL.pattern}\b")
PLACES_SHOWN = 3  # what is wrong for more people than that is hardly about one of them


class ErrorPlaces:
    """Takes what an engine says (:meth:`add`) and puts places before the errors (:meth:`located`)."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._labels: defaultdict[str, list[str]] = defaultdict(list)

    def add(self, said: Any) -> None:
        """Take a diagnostic event; those that are no error of a person are ignored."""
        if said.severity == "error" and said.urn and urns.type_of(said.urn) == SPEAKER_TYPE:
            self._labels[said.message.strip()].append(urns.name(said.urn))

    def located(self, errors: Iterable[str]) -> tuple[str, ...]:
        """Return the errors, those about a few people with their ``file:line``, or label, in front.

        An error of a shard names people by label already: their places take the labels' place.
        """
        return tuple(f"{self._where(error)}{_LABEL.sub(self._place, error)}" for error in errors)

    def _place(self, found: re.Match[str]) -> str:
        return self._places.get(found[0], found[0])

    def _where(self, error: str) -> str:
        labels = self._labels.get(error) or self._labels.get(error.rpartition(" (")[0], [])
        if not 0 < len(labels) <= PLACES_SHOWN:
            return ""
        return f"{', '.join(sorted(self._places.get(label, label) for label in labels))}: "


def to_json(event: object) -> dict[str, Any]:
    """Return the event as the CLI writes it into an event log."""
    document: dict[str, Any] = {}
    for attribute, value in vars(event).items():
        if value is None:
            continue
        key = "PolicyPacks" if attribute == "policy_packs" else _camel(attribute)
        document[key] = _json_value(value)
    return document


def _json_value(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseEvent):
        return to_json(value)
    if isinstance(value, dict):
        return {str(_json_value(key)): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
