"""The relay on recorded events of the real CLI."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi.automation.events import DiagnosticEvent, EngineEvent

from tests.engine.official.stand_in import RECORDINGS
from tests.tables import each_row
from voiceid_optout.engine.official import Relay

THING = "pulumi-python:dynamic/sample:Thing"


def played(recording: str) -> tuple[Relay, list[EngineEvent]]:
    passed: list[EngineEvent] = []
    relay = Relay(passed.append)
    for line in (RECORDINGS / f"{recording}.jsonl").read_text(encoding="utf-8").splitlines():
        relay.take(EngineEvent.from_json(json.loads(line)))
    return relay, passed


def said(events: list[EngineEvent]) -> list[tuple[str, str]]:
    return [
        (item.diagnostic_event.severity, item.diagnostic_event.message) for item in events if item.diagnostic_event
    ]


def diagnostic(severity: str, message: str, **more: Any) -> EngineEvent:
    return EngineEvent(0, 0, diagnostic_event=DiagnosticEvent(message, "", severity, **more))


def test_steps_pass_as_they_are() -> None:
    relay, passed = played("create")
    recorded = [json.loads(line) for line in (RECORDINGS / "create.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [item.sequence for item in passed] == [
        item["sequence"] for item in recorded if "diagnosticEvent" not in item
    ]
    assert (relay.applied, relay.errors()) == (3, ())


@pytest.mark.parametrize("recording", ["drift", "preview"])
def test_nothing_is_applied_by_looking(recording: str) -> None:
    relay, _ = played(recording)
    assert (relay.applied, relay.errors()) == (0, ())


@each_row(("op", "applied"), [("create-replacement", 1), ("replace", 0), ("delete-replaced", 1)])
def test_a_replace_counts_by_its_parts(op: str, applied: int) -> None:
    """It is reported beside them, also where the first of them failed."""
    relay = Relay(lambda _: None)
    metadata = {"op": op, "urn": f"urn:pulumi:dev::sample::{THING}::s0", "type": THING, "provider": ""}
    relay.take(EngineEvent.from_json({"sequence": 0, "timestamp": 0, "resOutputsEvent": {"metadata": metadata}}))
    assert relay.applied == applied


def test_failed_in_part() -> None:
    relay, passed = played("partial")
    assert relay.applied == 1  # s3, before s4 failed
    assert relay.errors() == ("the service is full",)
    assert said(passed) == [("error", "the service is full")]  # and no traceback of the program being stopped


def test_refused_property_is_named_without_its_value() -> None:
    assert "caller-17" in (RECORDINGS / "refused.jsonl").read_text(encoding="utf-8")
    relay, passed = played("refused")
    assert relay.errors() == ("property val: too long",)
    assert "caller-17" not in repr([vars(item.diagnostic_event) for item in passed if item.diagnostic_event])


def test_exception_of_the_program() -> None:
    relay, passed = played("raises")
    words = "the program ended with ValueError at __main__.py:48; OPTOUT_DEBUG=1 shows what it says"
    assert relay.errors() == (words,)
    assert said(passed) == [("error", words)]


def test_verdict_of_the_program_keeps_all_its_lines() -> None:
    relay, _ = played("run-error")
    assert relay.errors() == ("config/people.yaml:3:5: id: is empty\nconfig/people.yaml:4:5: id: is empty",)


def test_an_error_is_told_once_with_its_count() -> None:
    relay, _ = played("unreadable")
    assert relay.errors() == ("Voice ID does not answer (2 times)",)


def test_program_that_only_exits() -> None:
    relay = Relay(lambda _event: None)
    relay.take(diagnostic("error", "an unhandled error occurred: program exited with non-zero exit code: 3\n"))
    assert relay.errors() == ("the program ended with exit status 3",)


def test_tracebacks_on_standard_error_shrink_to_kind_and_place() -> None:
    passed: list[EngineEvent] = []
    relay = Relay(passed.append)
    for stream, line in [
        (1, "before"),
        (1, "Traceback (most recent call last):\n\n"),
        (2, "another process meanwhile"),
        (1, '  File "x.py", line 2, in <module>\n\n'),
        (1, "ModuleNotFoundError: No module named 'pulumi'\n\n"),
        (1, "Have you run pip install?\n\n"),
        (1, "\n"),
    ]:
        relay.take(diagnostic("info#err", line, stream_id=stream))
    assert [message for _, message in said(passed)] == [
        "before",
        "another process meanwhile",
        "ModuleNotFoundError at x.py:2",
        "Have you run pip install?",
    ]


@each_row(
    "event",
    [
        diagnostic("debug", "registering resource: ty=x"),
        diagnostic("info", "Installing dependencies...", ephemeral=True),
        diagnostic("info", "\n\n"),
    ],
)
def test_noise_is_dropped(event: EngineEvent) -> None:
    passed: list[EngineEvent] = []
    Relay(passed.append).take(event)
    assert passed == []


def test_a_broken_receiver_gets_nothing_more() -> None:
    got: list[EngineEvent] = []

    def receive(event: EngineEvent) -> None:
        got.append(event)
        raise ValueError("full")

    relay = Relay(receive)
    for _ in range(2):
        relay.take(diagnostic("info", "hello"))
    assert len(got) == 1
    assert str(relay.broken) == "full"


def upgrade(type_: str, id_: str, outputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if type_ != THING:
        return id_, outputs
    return id_.replace("old", "new"), {key: value for key, value in outputs.items() if key != "clear"}


@pytest.mark.parametrize(("elsewhere", "id_"), [(False, "new-1"), (True, "new-1/old")])
def test_what_a_state_of_before_has_in_clear_is_not_passed_on(elsewhere: bool, id_: str) -> None:
    passed: list[EngineEvent] = []
    relay = Relay(passed.append, upgrade, remote=elsewhere)
    side = {"type": THING, "urn": "u", "id": "old-1", "parent": "", "provider": "", "protect": False}
    before = {**side, "inputs": {}, "outputs": {"clear": "x", "val": 1}}
    metadata = {
        "op": "same",
        "urn": "u",
        "type": THING,
        "provider": "",
        "old": before,
        "new": {**side, "inputs": {}},
    }
    for kind in ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"):
        event = {"sequence": 1, "timestamp": 1, kind: {"metadata": metadata, "status": 0, "steps": 0}}
        relay.take(EngineEvent.from_json(event))
    steps = [each.resource_pre_event or each.res_outputs_event or each.res_op_failed_event for each in passed]
    assert len(steps) == 3
    for step in steps:
        assert step is not None
        old, new = step.metadata.old, step.metadata.new
        assert old is not None
        assert new is not None
        assert (old.id, old.outputs, new.id) == (id_, {"val": 1}, id_)
