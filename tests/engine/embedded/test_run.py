"""One step and its traces: events, the journal, and how a run stands after it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.automation.events import OpType

from tests.engine.bench import THING, urn
from voiceid_optout.cli.running import to_json
from voiceid_optout.engine.embedded.plugin import ProviderError
from voiceid_optout.engine.embedded.run import Emitter, Run, describe, stamped
from voiceid_optout.engine.interface import Operation, Request
from voiceid_optout.state import InterruptedRunError, PluginError, ProgramError
from voiceid_optout.state.checkpoint import Checkpoint
from voiceid_optout.state.journal import EntryKind, Journal, JournalEntry
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from pathlib import Path

NEW = ResourceState(urn=urn("s0"), custom=True, type=THING, inputs={"val": Secret("hush")})
MADE = ResourceState(urn=urn("s0"), custom=True, type=THING, id="id-s0", inputs={"val": Secret("hush")})


class Traced:
    """A run, its events and its journal."""

    def __init__(self, root: Path, operation: Operation = Operation.UP, **options: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.lines: list[JournalEntry] = []
        self.journal = Journal(Checkpoint(), self.lines.append)
        emitter = Emitter(lambda event: self.events.append(to_json(event)))
        request = Request(root=root, stack="dev", backend=root, **options)
        self.run = Run(operation, request, self.journal, emitter, self.no_plugin)

    @staticmethod
    def no_plugin() -> Any:
        raise AssertionError("no plugin is needed")

    @property
    def told(self) -> list[str]:
        return [key for event in self.events for key in event if key not in ("sequence", "timestamp")]

    @property
    def noted(self) -> list[tuple[str, str]]:
        return [(line.kind.value, line.pending) for line in self.lines]


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    return Traced(tmp_path)


def test_a_step_that_ends_well(traced: Traced) -> None:
    assert traced.run.step(OpType.CREATE, None, NEW, lambda: MADE) == MADE
    assert traced.told == ["resourcePreEvent", "resOutputsEvent"]
    assert traced.noted == [("begin", "creating"), ("put", "")]
    assert (traced.run.applied, traced.run.failed.is_set(), traced.run.stopped) == (1, False, False)
    assert traced.journal.checkpoint() == Checkpoint((MADE,))


def test_events_hide_secrets(traced: Traced) -> None:
    traced.run.step(OpType.CREATE, None, NEW, lambda: MADE)
    assert "hush" not in str(traced.events)
    assert "[secret]" in str(traced.events)


@pytest.mark.parametrize(
    ("op", "pending"),
    [
        (OpType.CREATE, "creating"),
        (OpType.CREATE_REPLACEMENT, "creating"),
        (OpType.UPDATE, "updating"),
        (OpType.DELETE, "deleting"),
        (OpType.DELETE_REPLACED, "deleting"),
    ],
)
def test_every_step_that_changes_something_is_noted_before(traced: Traced, op: OpType, pending: str) -> None:
    traced.run.step(op, MADE, MADE, lambda: MADE)
    assert traced.noted[0] == ("begin", pending)


@pytest.mark.parametrize("go_on", [False, True])
def test_a_step_that_fails(tmp_path: Path, go_on: bool) -> None:
    traced = Traced(tmp_path, continue_on_error=go_on)

    def act() -> ResourceState:
        raise ProviderError("the cloud says no")

    with pytest.raises(ProviderError):
        traced.run.step(OpType.CREATE, None, NEW, act)
    assert traced.told == ["resourcePreEvent", "diagnosticEvent", "resOpFailedEvent"]
    assert traced.noted == [("begin", "creating"), ("failed", "")]
    assert (traced.run.applied, traced.run.failed.is_set(), traced.run.stopped) == (0, True, not go_on)
    assert traced.run.left_out == {NEW.urn}
    assert traced.journal.checkpoint() == Checkpoint()


def test_a_step_whose_plugin_goes_away_may_have_happened(traced: Traced) -> None:
    def act() -> ResourceState:
        raise PluginError("gone")

    with pytest.raises(PluginError):
        traced.run.step(OpType.CREATE, None, NEW, act)
    assert traced.told == ["resourcePreEvent", "resOpFailedEvent"]
    assert [item.type for item in traced.journal.checkpoint().pending] == ["creating"]
    assert traced.run.failed.is_set()


def test_a_same_step_that_fails_is_not_noted(traced: Traced) -> None:
    def act() -> ResourceState:
        raise ProviderError("no")

    with pytest.raises(ProviderError):
        traced.run.step(OpType.SAME, MADE, MADE, act, entry=EntryKind.SAME)
    assert traced.noted == []


@pytest.mark.parametrize("operation", [Operation.PREVIEW, Operation.DRIFT])
def test_a_plan_acts_not_and_applies_in_memory(tmp_path: Path, operation: Operation) -> None:
    traced = Traced(tmp_path, operation)
    assert traced.run.step(OpType.CREATE, None, NEW, Traced.no_plugin) == NEW
    assert traced.events[0]["resourcePreEvent"]["planning"] is True
    assert traced.journal.checkpoint() == Checkpoint((NEW,))


def test_a_step_needs_a_resource(traced: Traced) -> None:
    with pytest.raises(ValueError, match="a step needs a resource"):
        traced.run.step(OpType.CREATE, None, None, lambda: MADE)
    with pytest.raises(ValueError, match="a step needs a resource"):
        describe(OpType.CREATE, None, None)
    assert traced.told == []


def test_the_first_reason_to_stop_stays(traced: Traced) -> None:
    traced.run.stop(InterruptedRunError())
    traced.run.stop(ProgramError("later"))
    assert isinstance(traced.run.fatal, InterruptedRunError)
    assert traced.run.stopped


def test_steps_are_counted_but_not_halves_and_providers(traced: Traced) -> None:
    provider = ResourceState(urn=urn("default"), custom=True, type="pulumi:providers:pulumi-python", id="uuid")
    traced.run.step(OpType.CREATE, None, provider, lambda: provider)
    traced.run.step(OpType.CREATE_REPLACEMENT, MADE, MADE, lambda: MADE)
    traced.run.report_replace(MADE, MADE)
    traced.run.step(OpType.DELETE_REPLACED, MADE, None, lambda: None, entry=EntryKind.REMOVE)
    assert dict(traced.run.emitter.counts) == {"replace": 1}
    assert traced.run.applied == 2


def test_times(traced: Traced) -> None:
    first = stamped(MADE, None)
    second = stamped(MADE, first)
    assert first.created == first.modified
    assert second.created == first.created
    # As times, because a zero at the end is not written.
    assert datetime.fromisoformat(second.modified) >= datetime.fromisoformat(first.modified)
