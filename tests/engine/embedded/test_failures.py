"""Runs in which something fails: what goes on, what is kept, what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import urn
from voiceid_optout.engine.interface import Result

if TYPE_CHECKING:
    from tests.engine.bench import Bench


def test_a_create_that_fails(bench: Bench) -> None:
    bench.want(**{f"s{number}": {} for number in range(16)})
    bench.faults({"create:s3": {"error": "no room"}})
    ran = bench.up(parallel=2)
    assert ran.outcome.result is Result.PARTIAL
    assert "no room" in ran.errors
    assert "s3" not in bench.things()
    assert {f"id-{name}-a" for name in bench.things()} == bench.objects().keys()
    assert bench.checkpoint().pending == ()
    bench.faults()
    assert bench.up().ok
    assert len(bench.objects()) == 16


def test_nothing_is_deleted_after_a_failure(settled: Bench) -> None:
    settled.want(s0={}, s3={})
    settled.faults({"create:s3": {"error": "no room"}})
    ran = settled.up()
    assert ran.outcome.result is Result.FAILED
    assert sorted(settled.things()) == ["s0", "s1", "s2"]


def test_continue_on_error_does_all_that_is_independent(bench: Bench) -> None:
    bench.want(s0={}, s1={"depends_on": ["s0"]}, s2={"depends_on": ["s1"]}, s3={}, s4={})
    bench.up()
    bench.want(s3={"val": "b"}, s4={"val": "b"})
    bench.faults({"update:s3": {"error": "no room"}})
    ran = bench.up(continue_on_error=True)
    assert ran.outcome.result is Result.PARTIAL
    assert ran.made() == [("delete", "s0"), ("delete", "s1"), ("delete", "s2"), ("update", "s3"), ("update", "s4")]
    assert {name: item.inputs["val"] for name, item in bench.things().items()} == {"s3": "a", "s4": "b"}


def test_what_depends_on_a_failure_is_left_out(settled: Bench) -> None:
    settled.want(
        s0={}, s1={}, s2={}, s4={}, s5={"depends_on": ["s4"]}, s6={"depends_on": ["s5"]}, s7={"val_from": "s4"}
    )
    settled.faults({"create:s4": {"error": "no room"}})
    ran = settled.up(continue_on_error=True)
    assert "no room" in ran.errors
    assert ran.made() == [("create", "s4")]
    assert sorted(settled.things()) == ["s0", "s1", "s2"]
    settled.faults()
    assert len(settled.up().made()) == 4


def test_an_update_that_fails(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={}, s2={})
    settled.faults({"update:s0": {"error": "no room"}})
    assert settled.up().outcome.result is Result.FAILED
    state = settled.things()["s0"]
    assert state.inputs["val"] == state.outputs["val"] == "a"
    settled.faults()
    assert settled.up().made() == [("update", "s0")]


def test_deletes_that_fail_stop_what_they_depend_on(bench: Bench) -> None:
    bench.want(s0={}, s1={"depends_on": ["s0"]}, s2={"depends_on": ["s1"]}, s3={})
    bench.up()
    bench.faults({"delete:s1": {"error": "busy"}})
    ran = bench.run("destroy")
    assert ran.outcome.result is Result.PARTIAL
    assert ran.made() == [("delete", "s1"), ("delete", "s2")]
    ran = bench.run("destroy", continue_on_error=True)
    assert ran.made() == [("delete", "s1"), ("delete", "s3")]
    assert sorted(bench.things()) == ["s0", "s1"]
    bench.faults()
    assert bench.run("destroy").ok
    assert bench.objects() == {}


def test_the_others_of_a_wave_are_deleted(settled: Bench) -> None:
    settled.faults({"delete:s1": {"error": "busy"}})
    assert not settled.run("destroy", parallel=1).ok
    assert sorted(settled.things()) == ["s1"]


@pytest.mark.parametrize("method", ["check", "diff"])
def test_a_method_that_raises(settled: Bench, method: str) -> None:
    settled.faults({f"{method}:s0": {"error": "out of order"}})
    for operation in ("preview", "up"):
        ran = settled.run(operation)
        assert ran.outcome.result is Result.FAILED
        assert "out of order" in ran.errors
        assert "Traceback" not in ran.errors


def test_inputs_that_are_refused(bench: Bench) -> None:
    bench.want(s0={"val": "hush", "secret": True})
    bench.faults({"check:s0": {"answer": "is no id"}})
    ran = bench.run("preview")
    assert "property val: is no id" in ran.errors
    assert "hush" not in ran.errors


def test_the_same_error_of_many_is_said_once(bench: Bench) -> None:
    names = [f"s{number}" for number in range(6)]
    bench.want(**{name: {} for name in names})
    bench.faults({f"create:{name}": {"error": "no room"} for name in names})
    assert len(bench.up(continue_on_error=True).outcome.errors) == 1


def test_no_id_from_create(bench: Bench) -> None:
    bench.faults({"create:s1": {"answer": ""}})
    ran = bench.up()
    assert "no id" in ran.errors
    assert "s1" not in bench.things()


def test_outputs_that_cannot_be_carried(bench: Bench) -> None:
    text = (bench.root / "cloud.py").read_text(encoding="utf-8")
    bench.write("cloud.py", text.replace('"status": "ON", **fault.get("outs", {})})', '"status": {1, 2}})', 1))
    ran = bench.up()
    assert not ran.ok
    assert bench.things() == {}


def test_a_provider_that_cannot_be_loaded(settled: Bench) -> None:
    (settled.root / "cloud.py").rename(settled.root / "moved.py")
    ran = settled.run("refresh")
    assert not ran.ok
    assert "No module named 'cloud'" in ran.errors
    assert sorted(settled.things()) == ["s0", "s1", "s2"]


def test_duplicate_names(bench: Bench) -> None:
    bench.write(
        "__main__.py",
        "import pulumi\nfrom cloud import Thing\n" + "Thing('a', {'val': 'a'}, pulumi.ResourceOptions())\n" * 2,
    )
    ran = bench.up()
    assert f"Duplicate resource URN '{urn('a')}'" in ran.errors


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SAMPLE_RUN_ERROR": "no register"}, "no register"),
        ({"SAMPLE_RAISES": "no register"}, "the program ended with ValueError at __main__.py"),
    ],
)
def test_a_program_that_raises(settled: Bench, environment: dict[str, str], words: str) -> None:
    settled.want(s0={"val": "b"})
    ran = settled.up(environment=environment)
    assert words in ran.errors
    assert "Traceback" not in ran.errors
    assert ran.made() == [("update", "s0")]
    assert sorted(settled.things()) == ["s0", "s1", "s2"]
    assert settled.stack().outputs == {"greeting": "hello", "size": 3}


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "ended by signal 9"),
        ("import os\nos._exit(3)\n", "exit status 3"),
        ("import sys\nsys.exit(3)\n", "3"),
        ("import nothing_of_this_name\n", "ModuleNotFoundError at __main__.py:1"),
        ("this is no python\n", "SyntaxError"),
    ],
)
def test_a_program_that_does_not_get_to_its_end(settled: Bench, program: str, words: str) -> None:
    settled.write("__main__.py", program)
    ran = settled.up()
    assert ran.outcome.result is Result.FAILED
    assert words in ran.errors
    assert ran.made() == []
    assert sorted(settled.things()) == ["s0", "s1", "s2"]


def test_a_program_killed_while_a_create_runs_loses_nothing(bench: Bench) -> None:
    bench.want(s0={})
    bench.faults({"create:s0": {"wait": 0.4}})
    text = (bench.root / "__main__.py").read_text(encoding="utf-8")
    end = "import os, signal, threading\nthreading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()\n"
    bench.write("__main__.py", text + end)
    ran = bench.up()
    assert not ran.ok
    assert {f"id-{name}-a" for name in bench.things()} == bench.objects().keys()


def test_a_plugin_killed_in_the_middle(settled: Bench) -> None:
    settled.want(s0={}, s1={}, s2={}, s3={})
    settled.faults({"create:s3": {"kill": True}})
    ran = settled.up()
    assert not ran.ok
    assert "the provider plugin was ended by signal 9" in ran.errors
    assert [item.type for item in settled.checkpoint().pending] == ["creating"]
    assert sorted(settled.things()) == ["s0", "s1", "s2"]
    settled.faults()
    ran = settled.up()
    assert ran.ok
    assert "may have happened or not" in ran.said("warning")
    assert settled.checkpoint().pending == ()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("pulumi.CustomResource('aws:s3/bucket:Bucket', 'b', {})", "resource type aws:s3/bucket:Bucket"),
        ("pulumi.StackReference('other')", "a read of pulumi:pulumi:StackReference by its id"),
        ("Thing('a', {'val': 'a'}, pulumi.ResourceOptions(import_='x'))", "import of"),
        ("Thing('a', {'val': 'a'}, pulumi.ResourceOptions(id='x'))", "a read of .*Thing by its id"),
        ("Thing('a', {'val': 'a'}, pulumi.ResourceOptions(ignore_changes=['val.x']))", r"val\.x"),
        ("pulumi.runtime.invoke('aws:index:getRegion', {})", "the function aws:index:getRegion"),
    ],
)
def test_what_only_the_cli_does_is_refused_by_name(bench: Bench, program: str, words: str) -> None:
    bench.write("__main__.py", f"import pulumi\nfrom cloud import Thing\n{program}\n")
    ran = bench.up()
    assert not ran.ok
    import re

    assert re.search(words, ran.errors), ran.errors
    assert "install the Pulumi CLI" in ran.errors
