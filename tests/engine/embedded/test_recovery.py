"""Runs that are killed, or find no room: nothing that the provider has done is lost, and the next run goes on."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import REPOSITORY, Bench, unmeasured, urn
from voiceid_optout.engine.interface import Result
from voiceid_optout.state import OutOfScopeError, StackLockedError, StateError
from voiceid_optout.state.backend import hold_lock

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = [f"s{number}" for number in range(30)]


def start(bench: Bench, operation: str, *limit: str) -> subprocess.Popen[str]:
    environment = {**unmeasured(), "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "tests.engine.embedded.run_engine", str(bench.root), operation, *limit]
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def kill_when(process: subprocess.Popen[str], happened: Callable[[], bool]) -> None:
    while not happened():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def many(bench: Bench, value: str = "a") -> None:
    """Ask for all of NAMES; every change of one takes a moment."""
    bench.want(**{name: {"val": value} for name in NAMES})
    methods = ("create", "update", "delete")
    bench.faults({f"{method}:{name}": {"wait": 0.02} for method in methods for name in NAMES})


def done(bench: Bench, method: str) -> list[str]:
    return [call["name"] for call in bench.calls() if call["method"] == method]


@pytest.mark.parametrize("count", [1, 7, 19])
def test_killed_while_it_creates(bench: Bench, count: int) -> None:
    many(bench)
    kill_when(start(bench, "up"), lambda: len(done(bench, "create")) >= count)
    time.sleep(0.3)  # the plugin ends with the engine; what it was doing is done by then
    existing = set(bench.objects())
    assert len(existing) < len(NAMES)
    preview = bench.run("preview")
    assert "was killed" in preview.said("info")
    ran = bench.up()
    assert ran.ok
    assert "the lock of" in ran.said("info")
    again = {f"id-{name}-a" for method, name in ran.made() if method == "create"} & existing
    pending = [line for line in ran.said("warning").splitlines() if "may have happened or not" in line]
    assert len(again) <= 8, "only what was under way is done again"
    assert bool(pending) or not again
    assert {item.id for item in bench.things().values()} == set(bench.objects())
    assert sorted(bench.things()) == sorted(NAMES)
    assert bench.checkpoint().pending == ()
    assert not bench.backend.journal_file.exists()
    assert bench.up().changes == {"same": len(NAMES) + 1}


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_killed_while_it_updates_or_destroys(bench: Bench, operation: str) -> None:
    many(bench)
    bench.faults()
    assert bench.up().ok
    many(bench, "b")
    kill_when(start(bench, "destroy" if operation == "delete" else "up"), lambda: len(done(bench, operation)) >= 9)
    time.sleep(0.3)
    ran = bench.run("refresh")
    assert ran.ok
    assert {item.id for item in bench.things().values()} == set(bench.objects())
    assert bench.up().ok
    assert sorted(bench.things()) == sorted(NAMES)
    assert bench.up().changes == {"same": len(NAMES) + 1}


def test_killed_twice(bench: Bench) -> None:
    many(bench)
    kill_when(start(bench, "up"), lambda: len(done(bench, "create")) >= 6)
    first = {line["resource"]["urn"] for line in journal(bench) if line["kind"] == "put"}
    kill_when(start(bench, "up"), lambda: len(done(bench, "create")) >= 16)
    ran = bench.up()
    assert ran.ok
    created = {urn(name) for method, name in ran.made() if method == "create"}
    assert not created & first, "what the first run was told of is not done again"
    assert sorted(bench.things()) == sorted(NAMES)


def journal(bench: Bench) -> list[dict[str, Any]]:
    lines = bench.backend.journal_file.read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines[1:]:
        try:
            found.append(json.loads(line))
        except ValueError:
            break
    return [line for line in found if ":dynamic/" in line["resource"]["urn"]]


def test_killed_between_the_state_and_its_journal(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={}, s2={})
    before = settled.backend.state_file.read_bytes()
    assert settled.up().ok
    settled.backend.journal_file.parent.mkdir(exist_ok=True)
    settled.backend.journal_file.write_text('{"base":"another state"}\n{"kind":"remove"}\n', encoding="utf-8")
    assert before != settled.backend.state_file.read_bytes()
    ran = settled.up()
    assert ran.changes == {"same": 4}
    assert "killed" not in ran.said("info")


def test_the_journal_costs_the_same_whatever_the_size_of_the_state(bench: Bench) -> None:
    sizes = []
    for number in (3, 60):
        bench.want(**{f"s{n}": {} for n in range(number)})
        assert bench.up().ok
        bench.want(**{f"s{n}": {"val": "b" if n == 0 else "a"} for n in range(number)})
        bench.faults({"update:s0": {"wait": 0.3}})
        process = start(bench, "up")
        kill_when(process, lambda: bench.backend.journal_file.exists() and len(journal(bench)) > 0)
        sizes.append(bench.backend.journal_file.stat().st_size)
        bench.faults()
        assert bench.up().ok
        bench.want(**{f"s{n}": {} for n in range(number)})
        assert bench.up().ok
    assert abs(sizes[1] - sizes[0]) < 50


def test_no_room_for_the_journal(bench: Bench) -> None:
    many(bench)
    process = start(bench, "up", "12000")
    out, err = process.communicate()
    assert err == ""
    assert out.startswith("partial\n")
    assert "cannot write the journal" in out
    assert 0 < len(bench.objects()) < len(NAMES)
    known = set(bench.objects())
    ran = bench.up()
    assert ran.ok
    again = {f"id-{name}-a" for method, name in ran.made() if method == "create"} & known
    assert len(again) <= 8
    assert sorted(bench.things()) == sorted(NAMES)


def test_no_room_for_the_state(bench: Bench) -> None:
    many(bench)
    bench.faults()
    assert bench.up().ok
    old = bench.backend.state_file.read_bytes()
    bench.want(**{name: {"val": "b" if name == "s0" else "a"} for name in NAMES})
    out, err = start(bench, "up", str(len(old) // 2)).communicate()
    assert err == ""
    assert out.startswith("partial\n")
    assert "make room" in out
    assert bench.backend.state_file.read_bytes() == old
    assert bench.backend.journal_file.exists()
    ran = bench.up()
    assert "was killed" in ran.said("info")
    assert ran.changes == {"same": len(NAMES) + 1}
    assert bench.things()["s0"].inputs["val"] == "b"


def test_a_history_that_cannot_be_written_is_a_warning(settled: Bench) -> None:
    (settled.backend.root / ".pulumi" / "history").rename(settled.backend.root / "elsewhere")
    (settled.backend.root / ".pulumi" / "history").write_text("no folder", encoding="utf-8")
    settled.want(s0={"val": "b"}, s1={}, s2={})
    ran = settled.up()
    assert ran.ok
    assert "the state is saved, but not the run's history" in ran.said("warning")
    assert settled.things()["s0"].inputs["val"] == "b"


def test_a_clock_that_goes_back_and_forth(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an hour, at each look: no run fails or repeats a step, and each keeps a record of its own."""
    offsets, real, real_ns = itertools.cycle((0, 3600, -3600, 1800)), time.time, time.time_ns

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromtimestamp(time.time(), tz)

    monkeypatch.setattr(time, "time", lambda: real() + next(offsets))
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + next(offsets) * 10**9)
    for module in ("engine.embedded.engine", "engine.embedded.run", "state.backend", "state.stack"):
        monkeypatch.setattr(f"voiceid_optout.{module}.datetime", Clock)
    for value in ("a", "b", "c"):
        bench.want(**{f"s{n}": {"val": value} for n in range(3)})
        ran = bench.up()
        assert ran.ok, ran.errors
        assert len(ran.made()) == 3
        assert bench.up().changes == {"same": 4}
    assert bench.run("refresh").ok
    assert len([*bench.backend.root.rglob("*.history.json")]) == 7
    assert not any(bench.backend.lock_folder.glob("*.json"))


def test_a_lock_that_is_held(settled: Bench) -> None:
    words = rf"locked by .* \(pid {os.getpid()}\) since 20.*optout unlock"
    with hold_lock(settled.backend.lock_folder, print):
        for operation in ("up", "refresh", "destroy"):
            with pytest.raises(StackLockedError, match=words):
                settled.run(operation)
        preview = settled.run("preview")
        assert preview.ok
        assert "another run is under way" in preview.said("info")
        assert settled.run("drift").ok
    assert settled.up().ok


def test_a_preview_beside_a_run_takes_its_journal_for_no_dead_ones(bench: Bench) -> None:
    many(bench)
    process = start(bench, "up")
    while len(done(bench, "create")) < 3:
        time.sleep(0.005)
    preview = bench.run("preview")
    out, err = process.communicate()
    assert out.startswith("succeeded\n"), err
    assert "killed" not in preview.said("info")
    assert bench.up().changes == {"same": len(NAMES) + 1}


def test_resources_of_another_package_in_the_state(settled: Bench) -> None:
    document = settled.document()
    document["checkpoint"]["latest"]["resources"].append(
        {"urn": urn("b", "aws:s3/bucket:Bucket"), "custom": True, "id": "b", "type": "aws:s3/bucket:Bucket"}
    )
    settled.backend.state_file.write_text(json.dumps(document), encoding="utf-8")
    for operation in ("preview", "up", "refresh", "destroy"):
        with pytest.raises(OutOfScopeError, match="resource type aws:s3/bucket:Bucket in the state"):
            settled.run(operation)


@pytest.mark.parametrize("text", ["", "{", '{"version":99,"checkpoint":{}}', "null"])
def test_a_damaged_state_is_left_alone(settled: Bench, text: str) -> None:
    settled.backend.state_file.write_text(text, encoding="utf-8")
    for operation in ("preview", "up", "refresh", "destroy"):
        with pytest.raises(StateError):
            settled.run(operation)
    assert settled.backend.state_file.read_text(encoding="utf-8") == text
    assert not any(settled.backend.lock_folder.glob("*.json"))


def test_what_is_kept_of_a_run_that_fails_says_so(bench: Bench) -> None:
    bench.faults({"create:s1": {"error": "no room"}})
    assert bench.up().outcome.result is not Result.SUCCEEDED
    (record,) = bench.backend.root.rglob("*.history.json")
    assert json.loads(record.read_bytes())["result"] == "failed"
