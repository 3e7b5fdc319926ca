"""Deletes: which, in what order, and what a failure holds back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import THING, urn
from voiceid_optout.engine.embedded import deletion
from voiceid_optout.engine.interface import Result
from voiceid_optout.state.resource import ResourceState

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.bench import Bench

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
    assert deletion.unregistered([provider, kept, gone, copy], {urn("s0")}) == [gone, copy]
    assert deletion.unregistered([provider, gone, copy], {urn("s0")}) == [provider, gone, copy]
