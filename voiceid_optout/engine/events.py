"""Engine events: the objects Pulumi's Automation API defines, made here and written as its JSON."""

from __future__ import annotations

import threading
import time
from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Any

from pulumi.automation import events as api

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Emitter:
    """Numbers, times and hands out events, one at a time, and counts the steps for the summary."""

    def __init__(self, handler: Callable[[api.EngineEvent], None]) -> None:
        self._handler = handler
        self._lock = threading.Lock()
        self._sequence = 0
        self._started = time.monotonic()
        self.counts: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()

    def _emit(self, **content: Any) -> None:
        with self._lock:
            event = api.EngineEvent(sequence=self._sequence, timestamp=int(time.time()), **content)
            self._sequence += 1
            self._handler(event)

    def prelude(self, config: Mapping[str, str]) -> None:
        """Say that the run begins, with its config (secrets already blinded)."""
        self._emit(prelude_event=api.PreludeEvent(dict(config)))

    def diagnostic(self, severity: str, message: str, urn: str | None = None) -> None:
        """Say something to people; severity is ``debug``, ``info``, ``info#err``, ``warning`` or ``error``."""
        if severity == "error":
            with self._lock:
                self._errors[message] += 1
        self._emit(diagnostic_event=api.DiagnosticEvent(message, "never", severity, urn=urn))

    def before(self, metadata: api.StepEventMetadata, *, planning: bool) -> None:
        """Say that a step starts, or would in a preview."""
        self._emit(resource_pre_event=api.ResourcePreEvent(metadata, planning or None))

    def count(self, op: api.OpType) -> None:
        """Count a step for the summary."""
        with self._lock:
            self.counts[op.value] += 1

    def done(self, metadata: api.StepEventMetadata, *, planning: bool) -> None:
        """Say that a step has ended well."""
        self._emit(res_outputs_event=api.ResOutputsEvent(metadata, planning or None))

    def failed(self, metadata: api.StepEventMetadata) -> None:
        """Say that a step has failed."""
        self._emit(res_op_failed_event=api.ResOpFailedEvent(metadata, 0, 0))

    def summary(self) -> None:
        """Say how the run ended: its duration in seconds and how many steps of each kind."""
        changes: Any = {key: self.counts[key] for key in sorted(self.counts)}
        seconds = int(time.monotonic() - self._started)
        self._emit(summary_event=api.SummaryEvent(False, seconds, changes, {}))  # noqa: FBT003

    def errors(self) -> tuple[str, ...]:
        """Return the errors said so far, each once, with how often it was said."""
        return tuple(
            message if count == 1 else f"{message} ({count} times)" for message, count in self._errors.items()
        )

    def cancelled(self) -> None:
        """Say that nothing follows: the CLI closes every stream so."""
        self._emit(cancel_event=api.CancelEvent())


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
    if isinstance(value, api.BaseEvent):
        return to_json(value)
    if isinstance(value, dict):
        return {str(_json_value(key)): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
