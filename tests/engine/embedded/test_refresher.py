"""Refresh and drift: what is read, what is written, and how a reading fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import urn
from voiceid_optout.engine.interface import Result

if TYPE_CHECKING:
    from tests.engine.bench import Bench


def test_nothing_has_changed(settled: Bench) -> None:
    before = settled.things()
    ran = settled.run("refresh")
    assert (ran.ok, ran.changes) == (True, {"same": 4})
    assert ran.made("read", "diff") == sorted(("read", f"s{n}") for n in range(3)) or ran.made("read") == [
        ("read", "s0"),
        ("read", "s1"),
        ("read", "s2"),
    ]
    assert ran.made("check", "create") == []
    assert settled.things() == before


@pytest.mark.parametrize("operation", ["refresh", "drift"])
def test_drift_and_what_is_gone(settled: Bench, operation: str) -> None:
    before, content = settled.things(), settled.backend.state_file.read_bytes()
    settled.drift("id-s0-a", "OFF")
    settled.drift("id-s1-a", None)
    ran = settled.run(operation)
    assert (ran.ok, ran.changes) == (True, {"delete": 1, "same": 2, "update": 1})
    assert ran.made() == []
    if operation == "drift":
        assert settled.backend.state_file.read_bytes() == content
        assert not settled.backend.journal_file.exists()
        return
    after = settled.things()
    assert settled.status() == {"s0": "OFF", "s2": "ON"}
    assert after["s0"].modified > before["s0"].modified
    assert (after["s0"].created, after["s2"]) == (before["s0"].created, before["s2"])


@pytest.mark.parametrize("operation", ["refresh", "drift"])
@pytest.mark.parametrize("method", ["read", "diff"])
def test_one_reading_that_fails(settled: Bench, operation: str, method: str) -> None:
    settled.drift("id-s0-a", "OFF")
    before = settled.things()["s1"]
    settled.faults({f"{method}:s1": {"error": "the cloud says no"}})
    ran = settled.run(operation, parallel=1)
    assert ran.outcome.result is Result.FAILED
    assert ran.outcome.errors == ("the cloud says no",)
    assert settled.things()["s1"] == before


def test_a_refresh_that_fails_keeps_what_was_read(settled: Bench) -> None:
    settled.drift("id-s0-a", "OFF")
    settled.faults({"read:s1": {"error": "the cloud says no", "wait": 0.3}})
    assert not settled.run("refresh").ok
    assert settled.status() == {"s0": "OFF", "s1": "ON", "s2": "ON"}


def test_an_up_whose_refresh_fails_changes_nothing(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={}, s2={})
    settled.faults({"read:s1": {"error": "the cloud says no"}})
    ran = settled.up(refresh=True, continue_on_error=True)
    assert ran.outcome.errors == ("the cloud says no",)
    assert ran.made("check", "update") == []


def test_up_with_a_refresh_mends_drift(settled: Bench) -> None:
    settled.drift("id-s0-a", "OFF")
    settled.drift("id-s1-a", None)
    ran = settled.up(refresh=True)
    assert ran.ok
    assert ran.made() == [("create", "s1"), ("update", "s0")]
    assert ran.changes == {"create": 1, "same": 2, "update": 1}


def test_a_new_id_and_new_inputs_are_taken(settled: Bench) -> None:
    settled.faults({"read:s0": {"answer": "id-new", "inputs": {"name": "s0", "val": "z"}}})
    assert settled.run("refresh").ok
    thing = settled.things()["s0"]
    assert (thing.id, thing.inputs["val"]) == ("id-new", "z")


def test_a_target(settled: Bench) -> None:
    for name in ("s0", "s1"):
        settled.drift(f"id-{name}-a", "OFF")
    ran = settled.run("refresh", targets=(urn("s1"),))
    assert ran.made("read") == [("read", "s1")]
    assert settled.status() == {"s0": "ON", "s1": "OFF", "s2": "ON"}


def test_the_config_of_the_last_run_is_used(settled: Bench) -> None:
    settled.config("sample:greeting: other\n")
    ran = settled.up(refresh=True)
    assert [call["config"] for call in ran.calls if call["method"] == "configure"] == [
        {"sample:greeting": "hello"},
        {"sample:greeting": "other"},
    ]


def test_without_a_state_there_is_nothing_to_read(bench: Bench) -> None:
    ran = bench.run("refresh")
    assert (ran.ok, ran.calls, ran.changes) == (True, [], {})


def test_an_old_copy_is_read_too(settled: Bench) -> None:
    settled.want(s0={}, s1={"val": "b"}, s2={})
    settled.faults(
        {"diff:s1": {"answer": {"changes": True, "replaces": ["val"]}}, "delete:s1": {"error": "still in use"}}
    )
    settled.up()
    settled.faults()
    ran = settled.run("refresh")
    assert sorted(call["id"] for call in ran.calls if call["method"] == "read") == [
        "id-s0-a", "id-s1-a", "id-s1-b", "id-s2-a"
    ]  # fmt: skip
