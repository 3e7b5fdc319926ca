"""What a killed run left is cleared up before the CLI is asked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import SEALED, Bench
from tests.engine.official.conftest import Perform, performer
from tests.engine.official.stand_in import Play, StandIn
from tests.state.states import thing
from voiceid_optout.state import journal_file
from voiceid_optout.state.errors import StackLockedError
from voiceid_optout.state.journal import Entry, EntryKind

if TYPE_CHECKING:
    from pathlib import Path

LOCKED = (
    "error: the stack is currently locked by 1 lock(s).\n"
    "  file:///s/dev/4f1a.json?no_tmp_dir=true: created by ann@vm (pid 8957) at 2026-11-22T13:15:51Z"
)


@pytest.fixture
def killed(settled: Bench) -> Bench:
    """A stack in whose journal a killed run had noted one more resource."""
    left = journal_file.JournalFile(settled.backend.journal_file, SEALED, settled.backend.read())
    left.append(Entry(EntryKind.PUT, thing("s3", id="id-s3-a")))
    left.leave()
    return settled


@pytest.fixture
def gone() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def lock(bench: Bench, pid: int, hostname: str) -> Path:
    bench.backend.lock_folder.mkdir(parents=True, exist_ok=True)
    path = bench.backend.lock_folder / "a.json"
    content = {"pid": pid, "username": "ann", "hostname": hostname, "timestamp": "2026-11-22T13:15:51Z"}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("operation", ["preview", "up"])
def test_steps_in_the_journal_come_into_the_state(stand_in: StandIn, killed: Bench, operation: str) -> None:
    stand_in.play(Play(recording="create"))
    ran = performer(killed)(operation)
    assert ran.ok
    assert "recovered 1 finished steps from its journal" in ran.said("info")
    assert sorted(killed.things()) == ["s0", "s1", "s2", "s3"]
    assert not killed.backend.journal_file.exists()
    assert not list(killed.backend.lock_folder.glob("*"))


def test_the_lock_of_a_process_that_is_gone(stand_in: StandIn, settled: Bench, gone: int) -> None:
    path = lock(settled, gone, socket.gethostname())
    stand_in.play(Play(recording="create"))
    ran = performer(settled)("up")
    assert ran.ok
    assert f"took over the lock of ann@{socket.gethostname()} (pid {gone})" in ran.said("info")
    assert not path.exists()


def test_a_run_that_may_be_under_way_is_left_alone(stand_in: StandIn, killed: Bench) -> None:
    path = lock(killed, 8957, "elsewhere")
    before = killed.backend.state_file.read_bytes()
    stand_in.play(Play(stderr=LOCKED, status=1))
    with pytest.raises(StackLockedError):
        performer(killed)("up")
    assert path.exists()
    assert killed.backend.journal_file.exists()
    assert killed.backend.state_file.read_bytes() == before


def test_the_journal_of_an_older_state_does_not_matter(stand_in: StandIn, killed: Bench) -> None:
    killed.backend.state_file.write_bytes(killed.backend.state_file.read_bytes() + b" ")
    stand_in.play(Play(recording="create"))
    assert performer(killed)("up").ok
    assert sorted(killed.things()) == ["s0", "s1", "s2"]


def test_nothing_to_clear_up(stand_in: StandIn, bench: Bench, perform: Perform) -> None:
    stand_in.play(Play(recording="create"))
    ran = perform("up")
    assert ran.ok
    assert ran.said("info") == ""
