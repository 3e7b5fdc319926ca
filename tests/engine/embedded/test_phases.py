"""Refresh and drift: what is read, what is written, and how a reading fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import THING, urn
from voiceid_optout.engine.embedded.phases import unregistered
from voiceid_optout.engine.interface import Result
from voiceid_optout.state.resource import ResourceState

if TYPE_CHECKING:
    from pathlib import Path

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


CHAIN = {"s0": {}, "s1": {"depends_on": ["s0"]}, "s2": {"depends_on": ["s1"]}, "s3": {}}


@pytest.fixture(scope="module")
def _chain(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    from tests.engine.bench import Bench

    bench = Bench.make(tmp_path_factory.mktemp("chain") / "sample")
    bench.want(**CHAIN)
    assert bench.up().ok
    return bench


@pytest.fixture
def chain(_chain: Bench, tmp_path: Path) -> Bench:
    """s2 depends on s1, and that on s0; s3 is alone."""
    return _chain.copy(tmp_path / "sample")


def deletes(calls: list[dict[str, str]]) -> list[str]:
    return [call["name"] for call in calls if call["method"] == "delete"]


@pytest.mark.parametrize("operation", ["up", "destroy"])
def test_users_go_before_what_they_use(chain: Bench, operation: str) -> None:
    chain.want()
    ran = chain.run(operation)
    assert ran.ok
    order = deletes(ran.calls)
    assert order[:2] == ["s2", "s1"]
    assert sorted(order[2:]) == ["s0", "s3"]
    assert chain.objects() == {}
    assert [item.type for item in chain.checkpoint().resources] == (
        ["pulumi:pulumi:Stack"] if operation == "up" else []
    )


@pytest.mark.parametrize("operation", ["up", "destroy"])
def test_a_failure_holds_back_what_comes_after(chain: Bench, operation: str) -> None:
    chain.want()
    chain.faults({"delete:s1": {"error": "still in use"}})
    ran = chain.run(operation)
    assert ran.outcome.result is Result.PARTIAL
    assert ran.outcome.errors == ("still in use",)
    assert deletes(ran.calls) == ["s2", "s1"]
    assert sorted(chain.things()) == ["s0", "s1", "s3"]
    assert chain.checkpoint().pending == ()
    chain.faults()
    assert chain.run(operation).ok
    assert chain.objects() == {}


@pytest.mark.parametrize("operation", ["up", "destroy"])
def test_one_may_go_on_with_what_the_failed_one_does_not_need(chain: Bench, operation: str) -> None:
    chain.want()
    chain.faults({"delete:s2": {"error": "still in use"}})
    ran = chain.run(operation, continue_on_error=True)
    assert ran.outcome.result is Result.PARTIAL
    assert sorted(deletes(ran.calls)) == ["s2", "s3"]
    assert sorted(chain.things()) == ["s0", "s1", "s2"]


def test_after_a_failed_update_one_may_go_on_with_every_delete(chain: Bench) -> None:
    chain.want(s3={"val": "b"})
    chain.faults({"update:s3": {"error": "no"}})
    ran = chain.up(continue_on_error=True)
    assert ran.outcome.errors == ("no",)
    assert deletes(ran.calls) == ["s2", "s1", "s0"]


def test_after_a_failed_update_nothing_is_deleted(chain: Bench) -> None:
    chain.want(s3={"val": "b"})
    chain.faults({"update:s3": {"error": "no"}})
    ran = chain.up()
    assert (ran.outcome.result, deletes(ran.calls)) == (Result.FAILED, [])
    assert sorted(chain.things()) == ["s0", "s1", "s2", "s3"]


@pytest.mark.parametrize("operation", ["up", "destroy"])
def test_a_retained_one_is_forgotten_without_a_call(settled: Bench, operation: str) -> None:
    settled.want(s0={}, s1={"retain_on_delete": True}, s2={})
    assert settled.up().made() == []
    settled.want(s0={}, s2={})
    ran = settled.run(operation)
    assert ran.ok
    assert "s1" not in deletes(ran.calls)
    assert "s1" not in settled.things()
    assert settled.objects()["id-s1-a"] == "ON"


def test_a_retain_that_was_never_applied_does_not_count(settled: Bench) -> None:
    settled.want(s0={}, s2={})
    assert settled.up().made() == [("delete", "s1")]


@pytest.mark.parametrize("operation", ["up", "destroy", "preview"])
def test_a_protected_one_is_not_deleted(settled: Bench, operation: str) -> None:
    settled.want(s0={}, s1={"protect": True}, s2={})
    assert settled.up().ok
    settled.want(s0={})
    ran = settled.run(operation)
    assert ran.outcome.result is (Result.FAILED if operation == "preview" else Result.PARTIAL)
    assert len(ran.outcome.errors) == 1
    assert "s1 is protected" in ran.errors
    assert "unprotect it first" in ran.errors
    assert "s1" in settled.things()
    assert settled.objects()["id-s1-a"] == "ON"
    if operation != "preview":  # others of the same wave are done
        assert "s2" not in settled.things()


def test_the_provider_goes_with_its_last_user(settled: Bench) -> None:
    settled.want(s0={})
    assert settled.up().ok
    assert any(item.is_provider for item in settled.checkpoint().resources)
    settled.want()
    assert settled.up().ok
    assert [item.urn for item in settled.checkpoint().resources] == [urn("sample-dev", "pulumi:pulumi:Stack")]


def test_a_component_goes_after_its_children_without_a_call(bench: Bench) -> None:
    bench.want(c={"component": True}, s0={"parent": "c"})
    assert bench.up().ok
    bench.want()
    ran = bench.up()
    assert ran.ok
    assert deletes(ran.calls) == ["s0"]
    assert [item.urn for item in bench.checkpoint().resources] == [urn("sample-dev", "pulumi:pulumi:Stack")]


def test_destroying_a_target(settled: Bench) -> None:
    ran = settled.run("destroy", targets=(urn("s1"),))
    assert ran.ok
    assert deletes(ran.calls) == ["s1"]
    assert sorted(settled.things()) == ["s0", "s2"]


def thing(name: str, **more: object) -> ResourceState:
    provider = urn("default", "pulumi:providers:pulumi-python")
    return ResourceState(urn=urn(name), custom=True, type=THING, id=name, provider=f"{provider}::uuid", **more)  # type: ignore[arg-type]


def test_what_the_program_did_not_speak_of_goes_and_so_do_old_copies() -> None:
    provider = ResourceState(
        urn=urn("default", "pulumi:providers:pulumi-python"), custom=True, type="pulumi:providers:pulumi-python"
    )
    kept, gone, copy = thing("s0"), thing("s1"), thing("s0", delete=True)
    assert unregistered([provider, kept, gone, copy], {urn("s0")}) == [gone, copy]
    assert unregistered([provider, gone, copy], {urn("s0")}) == [provider, gone, copy]
