"""Interrupts and kills of a whole run: real signals to a process that runs the engine."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.engine.embedded.processes import calls, living, outcome, spawn, wait_for
from voiceid_optout.engine.interface import Result
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.project import load_project
from voiceid_optout.state.stack import open_stack

if TYPE_CHECKING:
    import subprocess

    from tests.engine.bench import Bench
    from voiceid_optout.state.checkpoint import Checkpoint

INTERRUPTED = "interrupted; what was done is kept"
SIGNALS = [signal.SIGINT, signal.SIGTERM]
MANY = 60


def interrupt_twice(child: subprocess.Popen[str], number: signal.Signals) -> None:
    child.send_signal(number)
    assert child.stdout is not None
    assert "once more ends them" in child.stdout.readline()
    child.send_signal(number)


def locks(bench: Bench) -> list[str]:
    return [path.name for path in bench.backend.lock_folder.glob("*")]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_lets_the_steps_under_way_finish(bench: Bench, number: signal.Signals) -> None:
    bench.want(**{f"s{n}": {} for n in range(9)})
    bench.faults({f"create:s{n}": {"wait": 0.6} for n in range(9)})
    child = spawn(bench, parallel=2)
    wait_for(lambda: len(calls(bench, "create")) == 2, child)
    child.send_signal(number)
    ended = outcome(child)
    assert ended["result"] == Result.PARTIAL
    assert ended["errors"] == INTERRUPTED
    assert "once more ends them at once" in ended["said"]
    assert sorted(calls(bench, "create")) == sorted(bench.things())
    assert len(bench.things()) == len(bench.objects()) == 2
    assert bench.checkpoint().pending == ()
    assert locks(bench) == []
    assert not bench.backend.journal_file.exists()
    bench.faults()
    assert bench.up().ok
    assert len(bench.things()) == 9


@pytest.mark.parametrize("operation", ["refresh", "drift", "destroy"])
def test_the_first_in_a_run_without_a_program(settled: Bench, operation: str) -> None:
    method = "delete" if operation == "destroy" else "read"
    settled.faults({f"{method}:s{n}": {"wait": 0.6} for n in range(3)})
    child = spawn(settled, operation, parallel=1)
    wait_for(lambda: calls(settled, method), child)
    child.send_signal(signal.SIGINT)
    ended = outcome(child)
    assert ended["result"] == (Result.PARTIAL if operation == "destroy" else Result.FAILED)
    assert ended["errors"] == INTERRUPTED
    assert len(calls(settled, method)) == 1
    assert len(settled.things()) == (2 if operation == "destroy" else 3)


def test_the_first_in_a_preview(settled: Bench) -> None:
    settled.faults({"check:s0": {"wait": 0.6}})
    child = spawn(settled, "preview")
    wait_for(lambda: calls(settled, "check").count("s0") == 2, child)
    child.send_signal(signal.SIGINT)
    assert outcome(child)["result"] == Result.FAILED


def test_nothing_is_deleted_after_the_first(settled: Bench) -> None:
    settled.want(s0={"val": "b"})
    settled.faults({"update:s0": {"wait": 0.6}})
    child = spawn(settled)
    wait_for(lambda: calls(settled, "update"), child)
    child.send_signal(signal.SIGINT)
    assert outcome(child)["errors"] == INTERRUPTED
    assert calls(settled, "delete") == []
    assert sorted(settled.things()) == ["s0", "s1", "s2"]
    assert settled.things()["s0"].inputs["val"] == "b"


@pytest.mark.parametrize("number", SIGNALS)
def test_the_second_ends_the_steps_under_way(settled: Bench, number: signal.Signals) -> None:
    settled.want(s0={"val": "b"}, s1={}, s2={}, s3={})
    settled.faults({"update:s0": {"wait": 60}, "create:s3": {"wait": 60}})
    child = spawn(settled)
    wait_for(lambda: calls(settled, "update") and "s3" in calls(settled, "create"), child)
    interrupt_twice(child, number)
    ended = outcome(child)
    assert (ended["result"], ended["errors"]) == (Result.ENDED, INTERRUPTED)
    assert living(settled.root) == []
    assert locks(settled) == []
    pending = {item.resource.urn.split("::")[-1]: item.type for item in settled.checkpoint().pending}
    assert pending == {"s0": "updating", "s3": "creating"}
    settled.faults()
    assert settled.up().made() == [("create", "s3"), ("update", "s0")]
    assert settled.checkpoint().pending == ()
    assert settled.objects() == {f"id-s{n}-a": "ON" for n in range(4)}


def test_the_second_ends_a_program_that_does_not(settled: Bench) -> None:
    """Its process and whatever it waits for."""
    text = (settled.root / "__main__.py").read_text(encoding="utf-8")
    settled.write("__main__.py", f"{text}\nimport time\nPath('here').touch()\ntime.sleep(60)\n")
    child = spawn(settled)
    wait_for((settled.root / "here").exists, child)
    interrupt_twice(child, signal.SIGTERM)
    ended = outcome(child)
    assert (ended["result"], ended["errors"]) == (Result.ENDED, INTERRUPTED)
    assert living(settled.root) == []
    assert sorted(settled.things()) == ["s0", "s1", "s2"]


@pytest.mark.parametrize("operation", ["up", "destroy"])
def test_nothing_outlives_an_engine_that_is_killed(settled: Bench, operation: str) -> None:
    settled.want(s0={"val": "b"}, s1={}, s2={})
    settled.faults({"update:s0": {"wait": 60}, "delete:s0": {"wait": 60}})
    child = spawn(settled, operation)
    wait_for(lambda: calls(settled, "update") or calls(settled, "delete"), child)
    child.kill()
    child.communicate()
    wait_for(lambda: not living(settled.root))


def left_by(bench: Bench) -> Checkpoint:
    """What the next run will start from."""
    backend = Backend(bench.request().backend, "sample", "dev")
    said: list[str] = []
    project = load_project(bench.root)
    return open_stack(project, backend, bench.environment, said.append, writable=False, trust_state=True).base


def kill_once(bench: Bench, after: int, method: str = "create") -> None:
    """Kill the engine when the provider has been called so often (in this run)."""
    before = len(calls(bench, method))
    child = spawn(bench, parallel=4)
    wait_for(lambda: len(calls(bench, method)) >= before + after or child.poll() is not None)
    child.kill()
    child.communicate()
    wait_for(lambda: not living(bench.root))


def check_that_nothing_is_lost(bench: Bench) -> None:
    """Every object that exists is in the state, or noted as being made."""
    left = left_by(bench)
    known = {item.id for item in left.resources}
    pending = {f"id-{item.resource.inputs['name']}-{item.resource.inputs['val']}" for item in left.pending}
    assert set(bench.objects()) <= known | pending
    assert known & set(bench.objects()) == {id_ for id_ in known if id_.startswith("id-")}
    assert len(pending) <= 4  # as many as can be under way


@pytest.mark.parametrize("seed", range(4))
def test_an_engine_killed_at_any_moment_loses_nothing(bench: Bench, seed: int) -> None:
    chance = random.Random(seed)
    bench.want(**{f"s{n}": {} for n in range(MANY)})
    kill_once(bench, chance.randint(0, MANY - 5))
    check_that_nothing_is_lost(bench)
    if seed < 3:  # again, before any run could write the state
        kill_once(bench, chance.randint(1, 10))
        check_that_nothing_is_lost(bench)
    made = Counter(calls(bench, "create"))
    known = {item.urn.split("::")[-1] for item in left_by(bench).resources}
    ran = bench.up()
    assert ran.ok, ran.errors
    assert sorted(bench.things()) == sorted(f"s{n}" for n in range(MANY))
    assert len(bench.objects()) == MANY
    assert bench.checkpoint().pending == ()
    assert not bench.backend.journal_file.exists()
    # What was known was not made again, and whatever was made and is not known was.
    assert {name for method, name in ran.made() if method == "create"} == {*bench.things()} - known
    assert {*made} <= {*bench.things()}
    assert bench.run("preview").changes == {"same": MANY + 1}


def test_updates_and_deletes_of_a_killed_engine(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={"val": "b"})
    settled.faults({"update:s1": {"wait": 60}})
    child = spawn(settled)
    wait_for(lambda: len(calls(settled, "update")) == 2, child)
    wait_for(lambda: settled.backend.journal_file.read_text().count('"put"') >= 1, child)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    settled.faults()
    ran = settled.run("preview")
    assert "recovered 1 finished steps" in ran.said("info")
    assert ran.changes == {"delete": 1, "same": 2, "update": 1}
    assert settled.up().made() == [("delete", "s2"), ("update", "s1")]
