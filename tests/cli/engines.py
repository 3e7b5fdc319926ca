"""An engine of the tests: it plays what an engine would tell, and starts nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.plan.streams import EmbeddedStream
from voiceid_optout.engine.interface import Operation, Outcome, Request, Result

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = Outcome(Result.SUCCEEDED)


@dataclass
class ScriptedEngine:
    """Plays a stream of events, the same for every operation, and keeps what it was asked."""

    stream: EmbeddedStream = field(default_factory=EmbeddedStream)
    outcome: Outcome = DONE
    name: str = "scripted"
    requests: list[tuple[Operation, Request]] = field(default_factory=list)

    def run(self, operation: Operation, request: Request, on_event: Callable[[Any], None]) -> Outcome:
        self.requests.append((operation, request))
        for event in self.stream.events:
            on_event(event)
        return self.outcome

    @property
    def operations(self) -> list[Operation]:
        return [operation for operation, _ in self.requests]
