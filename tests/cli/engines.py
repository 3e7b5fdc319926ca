"""Engines of the tests: they tell what an engine would tell, and start nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.projects import label_of
from tests.plan.streams import OPTED_OUT, RELEASED, EmbeddedStream
from voiceid_optout import urn as urns
from voiceid_optout.cli.context import find
from voiceid_optout.engine.interface import RUNS_PROGRAM, WRITES_STATE, Operation, Outcome, Request, Result
from voiceid_optout.register import Ensure

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = Outcome(Result.SUCCEEDED)
official = (
    pytest.mark.official,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not on PATH"),
)
EITHER = ("embedded", pytest.param("pulumi", marks=official))  # the real ones, by the names that options know


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


@dataclass
class ModelEngine:
    """Does to two tables what an engine does to a state and a service, and tells it as the embedded one would.

    ``state`` is what the stack ensures, ``known`` the status that it has read last, ``service`` the status there;
    all by label. That real engines tell the same is tested where they run: in tests/e2e and tests/engine.
    """

    service: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    known: dict[str, str | None] = field(default_factory=dict)
    name: str = "model"
    requests: list[tuple[Operation, Request]] = field(default_factory=list)

    def run(self, operation: Operation, request: Request, on_event: Callable[[Any], None]) -> Outcome:
        self.requests.append((operation, request))
        stream = EmbeddedStream()
        chosen = {urns.name(urn) for urn in request.targets}
        stream.stack()
        writes = operation in WRITES_STATE
        known, state = (self.known, self.state) if writes else (dict(self.known), dict(self.state))
        if operation is Operation.REFRESH or (operation in RUNS_PROGRAM and request.refresh):
            self._read(stream, known, state, chosen)
        if operation in RUNS_PROGRAM:
            wanted = _wanted(request)
        elif operation in (Operation.DESTROY, Operation.PREVIEW_DESTROY):
            wanted = {}
        else:
            wanted = dict(state)
        if operation is not Operation.REFRESH:
            for label in sorted(wanted.keys() | state.keys()):
                if chosen and label not in chosen:
                    stream.step("same", label)  # as real ones say of whom a run is not about
                else:
                    self._step(stream, label, wanted.get(label), known, state, acts=operation is Operation.UP)
        for event in stream.events:
            on_event(event)
        return DONE

    def _read(
        self, stream: EmbeddedStream, known: dict[str, str | None], state: dict[str, str], chosen: set[str]
    ) -> None:
        for label, ensure in sorted(state.items()):
            if chosen and label not in chosen:
                continue
            found = self.service.get(label)
            stream.read(label, known.get(label), found, ensure)
            known[label] = found

    def _step(
        self,
        stream: EmbeddedStream,
        label: str,
        becomes: str | None,
        known: dict[str, str | None],
        state: dict[str, str],
        *,
        acts: bool,
    ) -> None:
        was, status = state.get(label), known.get(label)
        if becomes is None:
            stream.step("delete", label, status=status, was=was)
            state.pop(label, None)
            return
        desired = None if becomes == RELEASED else "OPTED_OUT"
        if was is None or (status is None and was != RELEASED):
            op = "create"
        else:
            op = "same" if was == becomes and status == desired else "update"
        stream.step(op, label, status=status, was=was, becomes=becomes)
        state[label], known[label] = becomes, desired
        if acts and op != "same":
            if desired is None:
                self.service.pop(label, None)
            else:
                self.service[label] = desired


def _wanted(request: Request) -> dict[str, str]:
    entries = find(request.root, request.stack).register.entries
    return {
        label_of(entry.domain_id, entry.speaker_id): RELEASED if entry.ensure is Ensure.RELEASED else OPTED_OUT
        for entry in entries
    }
