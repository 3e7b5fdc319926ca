"""Runs that concern only some resources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import urn
from voiceid_optout.state import StackError

if TYPE_CHECKING:
    from tests.engine.bench import Bench, Ran


def attempt(bench: Bench, operation: str, *names: str) -> str:
    """Run and return what went wrong: an outcome's errors, or the error raised."""
    try:
        ran: Ran = bench.run(operation, targets=tuple(urn(name) for name in names))
    except StackError as error:
        return str(error)
    assert not ran.ok
    return ran.errors


@pytest.mark.parametrize("target", [urn("s0"), "**s0", "urn:pulumi:*::*::*:*:*::s0"])
def test_only_the_targets_are_touched(settled: Bench, target: str) -> None:
    settled.want(s0={"val": "b"}, s1={"val": "b"}, s3={})
    ran = settled.up(targets=(target,))
    assert ran.ok
    assert ran.made("check", "diff", "update", "create", "delete") == [
        ("check", "s0"),
        ("diff", "s0"),
        ("update", "s0"),
    ]
    assert {name: item.inputs["val"] for name, item in settled.things().items()} == {
        "s0": "b",
        "s1": "a",
        "s2": "a",
    }


def test_only_the_target_is_deleted(settled: Bench) -> None:
    settled.want(s0={})
    assert settled.up(targets=(urn("s2"),)).made() == [("delete", "s2")]
    assert sorted(settled.things()) == ["s0", "s1"]


def test_only_the_target_is_read(settled: Bench) -> None:
    settled.drift("id-s0-a", "OFF")
    settled.drift("id-s1-a", "OFF")
    assert settled.run("refresh", targets=(urn("s1"),)).made("read") == [("read", "s1")]
    assert settled.status() == {"s0": "ON", "s1": "OFF", "s2": "ON"}


def test_destroy_of_one(settled: Bench) -> None:
    assert settled.run("destroy", targets=(urn("s0"),)).made() == [("delete", "s0")]
    assert sorted(settled.things()) == ["s1", "s2"]
    assert settled.up().made() == [("create", "s0")]


def test_destroy_of_what_another_uses_is_refused(bench: Bench) -> None:
    bench.want(s0={}, s1={"depends_on": ["s0"]})
    bench.up()
    assert "s1" in attempt(bench, "destroy", "s0")
    assert sorted(bench.things()) == ["s0", "s1"]
    assert len(bench.objects()) == 2
    assert bench.run("destroy", targets=(urn("s0"), urn("s1"))).ok
    assert bench.things() == {}


@pytest.mark.parametrize("operation", ["up", "refresh", "destroy"])
def test_a_target_that_is_nowhere(settled: Bench, operation: str) -> None:
    assert urn("nobody") in attempt(settled, operation, "nobody")
    assert settled.up().changes == {"same": 4}


def test_a_new_target_that_uses_a_new_one_left_out(settled: Bench) -> None:
    settled.want(s0={}, s1={}, s2={}, s3={}, s4={"depends_on": ["s3"]})
    assert "s3" in attempt(settled, "up", "s4")
    assert sorted(settled.things()) == ["s0", "s1", "s2"]
    assert settled.up(targets=(urn("s3"), urn("s4"))).ok
