from __future__ import annotations

import errno
import getpass
import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from voiceid_optout.state import StackLockedError, StateError
from voiceid_optout.state.backend import Lock, hold_lock, is_locked, read_locks, remove_lock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "locks" / "dev"


@pytest.fixture
def told() -> list[str]:
    return []


def put(folder: Path, content: Any, name: str = "other.json") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def lock(pid: int, host: str | None = None) -> dict[str, Any]:
    here = host or socket.gethostname()
    return {"pid": pid, "username": "ann", "hostname": here, "timestamp": "2026-11-22T13:15:51.5Z"}


@pytest.fixture
def gone() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def assert_locked(folder: Path, told: list[str], words: str) -> None:
    before = {path: path.is_file() and path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(StackLockedError, match=words), hold_lock(folder, told.append):
        pytest.fail("two runs at once")
    assert {path: path.is_file() and path.read_bytes() for path in folder.iterdir()} == before


def test_held_and_released(folder: Path, told: list[str]) -> None:
    with hold_lock(folder, told.append):
        (own,) = read_locks(folder)
        assert (own.pid, own.hostname) == (os.getpid(), socket.gethostname())
        assert not own.is_abandoned
        assert datetime.fromisoformat(own.since).tzinfo is not None
        assert own.path.suffix == ".json"
        content = json.loads(own.path.read_bytes())
        assert list(content) == ["pid", "username", "hostname", "timestamp"]
        assert (content["pid"], content["username"]) == (os.getpid(), getpass.getuser())
        assert own.path.read_bytes() == json.dumps(content, separators=(",", ":")).encode()
        assert own.path.stat().st_mode & 0o777 == 0o644, "another user's CLI reads it"
        since = datetime.fromisoformat(content["timestamp"])
        assert abs((datetime.now(UTC) - since).total_seconds()) < 3600
        assert_locked(folder, told, rf"the stack is locked by .*\(pid {os.getpid()}\) since 20")
    assert list(folder.iterdir()) == []
    assert told == []


def test_released_after_a_failure(folder: Path, told: list[str]) -> None:
    with pytest.raises(RuntimeError), hold_lock(folder, told.append):
        raise RuntimeError
    assert list(folder.iterdir()) == []


def test_that_it_cannot_be_removed_is_said_and_does_not_hide_how_the_run_ended(
    folder: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def run() -> None:
        with hold_lock(folder, told.append):
            monkeypatch.setattr(os, "unlink", fails)
            raise KeyError("the end")

    with pytest.raises(KeyError, match="the end"):
        run()
    (path,) = folder.iterdir()
    assert told == [
        f"cannot remove the lock {path}: Read-only file system; a run on this machine takes it over later"
    ]


def test_removed_by_another_meanwhile(folder: Path, told: list[str]) -> None:
    with hold_lock(folder, told.append):
        next(folder.iterdir()).unlink()
    assert told == []


def test_of_a_live_process(folder: Path, told: list[str]) -> None:
    put(folder, lock(os.getppid()))
    assert_locked(folder, told, rf"ann@.* \(pid {os.getppid()}\) since 2026-11-22T13:15:51.5Z\. Wait for that run")


def test_of_a_dead_process(folder: Path, told: list[str], gone: int) -> None:
    put(folder, lock(gone))
    with hold_lock(folder, told.append):
        assert len(list(read_locks(folder))) == 1
    here = socket.gethostname()
    assert told == [
        f"took over the lock of ann@{here} (pid {gone}) since 2026-11-22T13:15:51.5Z: that process is gone"
    ]


def test_of_a_process_nobody_waited_for(folder: Path, told: list[str]) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    put(folder, lock(process.pid))
    with hold_lock(folder, told.append):
        assert len(told) == 1
    process.wait()


def test_of_another_host(folder: Path, told: list[str], gone: int) -> None:
    put(folder, lock(gone, "elsewhere"))
    assert_locked(folder, told, rf"ann@elsewhere \(pid {gone}\)")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"note", b"\xff", b"[]", b"3", b"null", b"{}", {"pid": "x"}, {"pid": None, "hostname": None}],
)
def test_of_odd_content(folder: Path, told: list[str], content: Any) -> None:
    put(folder, content, "note.txt")
    assert_locked(folder, told, r"someone@an unknown host \(pid \?\) since an unknown time\. .*note\.txt")


@pytest.mark.parametrize("pid", [0, -1, -(2**70), 2**31, 2**70])
def test_of_an_odd_process(folder: Path, told: list[str], pid: int) -> None:
    put(folder, lock(pid))
    assert_locked(folder, told, r"ann@")


def test_a_folder_among_the_locks(folder: Path, told: list[str]) -> None:
    (folder / "folder").mkdir(parents=True)
    assert_locked(folder, told, r"someone@an unknown host")


def test_a_file_half_written(folder: Path, told: list[str]) -> None:
    put(folder, b"", "other.json.x1.tmp")
    assert_locked(folder, told, r"other\.json\.x1\.tmp")


def test_sidecars_are_no_locks(folder: Path, told: list[str]) -> None:
    put(folder, b"", "other.json.attrs")
    with hold_lock(folder, told.append):
        assert len(list(read_locks(folder))) == 1


def test_a_lock_released_while_we_look(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "a.json").symlink_to(folder / "gone")
    assert list(read_locks(folder)) == []


@pytest.mark.parametrize("name", ["0-rival.json", "z-rival.json"])  # ours stands between them
def test_another_run_between_our_two_looks(folder: Path, told: list[str], gone: int, name: str) -> None:
    put(folder, lock(gone))

    def rival(text: str) -> None:
        told.append(text)  # said while the first look goes on: the rival comes just behind it
        put(folder, lock(os.getppid()), name)

    with pytest.raises(StackLockedError), hold_lock(folder, rival):
        pytest.fail("two runs at once")
    assert [path.name for path in folder.iterdir()] == [name]


def test_no_place(folder: Path, told: list[str]) -> None:
    folder.parent.write_bytes(b"")
    with (
        pytest.raises(StateError, match=r"cannot write the lock .*: Not a directory"),
        hold_lock(folder, told.append),
    ):
        pytest.fail("no lock")


def test_a_process_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(_pid: int, _signal: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", kill)
    assert not Lock(Path("x"), 1, "ann", socket.gethostname(), "").is_abandoned


def test_a_user_without_a_name(folder: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def getuser() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", getuser)
    with hold_lock(folder, told.append):
        assert next(read_locks(folder)).username == str(os.getuid())


def test_who_holds_it_in_words(folder: Path, gone: int) -> None:
    here = socket.gethostname()
    assert Lock(folder, 7, "ann", "there", "").holder == "ann@there (pid 7)"
    assert Lock(folder, 0, "", "", "").holder == "someone@an unknown host (pid ?)"
    states = {
        (os.getpid(), here): (True, False),
        (gone, here): (False, True),
        (os.getpid(), "there"): (False, False),
        (gone, "there"): (False, False),
        (0, here): (False, False),
        (-1, here): (False, False),
    }
    for (pid, host), expected in states.items():
        held = Lock(folder, pid, "ann", host, "")
        assert (held.is_alive, held.is_abandoned) == expected, (pid, host)


def test_process_number_one_is_a_process(folder: Path) -> None:
    held = Lock(folder, 1, "root", socket.gethostname(), "")
    assert (held.is_alive, held.is_abandoned) == (True, False)


def test_only_what_may_be_alive_locks(folder: Path, gone: int) -> None:
    assert not is_locked(folder)
    put(folder, lock(gone))
    assert not is_locked(folder)
    put(folder, lock(os.getppid()), "z.json")
    assert is_locked(folder)


def test_all_that_is_abandoned_is_taken_over(folder: Path, told: list[str], gone: int) -> None:
    for name in ("a.json", "b.json", "b.json.attrs", "c.json"):
        put(folder, lock(gone), name)
    with hold_lock(folder, told.append):
        assert len(list(folder.iterdir())) == 1
    assert len(told) == 3


def test_a_lock_behind_a_sidecar_and_one_that_is_gone_counts(folder: Path, told: list[str]) -> None:
    put(folder, lock(os.getppid()), "c.json")
    put(folder, b"", "a.json.attrs")
    (folder / "b.json").symlink_to(folder / "gone")
    assert [found.path.name for found in read_locks(folder)] == ["c.json"]


def test_removed_with_its_sidecar(folder: Path) -> None:
    put(folder, b"", "a.json.attrs")
    (held,) = read_locks(put(folder, lock(1), "a.json").parent)
    remove_lock(held)
    assert list(folder.iterdir()) == []
    remove_lock(held)


def test_one_that_cannot_be_removed(folder: Path) -> None:
    (folder / "a.json").mkdir(parents=True)
    (held,) = read_locks(folder)
    with pytest.raises(StateError) as raised:
        remove_lock(held)
    words = str(raised.value)
    assert words.startswith(f"cannot remove the lock {held.path}: ")
    assert words.removeprefix(f"cannot remove the lock {held.path}: ") in {os.strerror(1), os.strerror(21)}


@pytest.mark.parametrize(("length", "whole"), [(100, True), (101, False)])
def test_long_words_of_others_are_cut(folder: Path, length: int, whole: bool) -> None:
    put(folder, {**lock(7), "username": "x" * length})
    (held,) = read_locks(folder)
    assert (held.username == "x" * length) is whole
    assert len(held.username) <= 101


def test_what_is_no_text_is_not_shown(folder: Path) -> None:
    put(folder, {"pid": 7, "username": 3, "hostname": ["x"], "timestamp": None})
    assert list(read_locks(folder)) == [Lock(folder / "other.json", 7, "", "", "")]


def test_a_process_whose_state_cannot_be_read_may_be_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_text(_path: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", read_text)
    assert Lock(Path("x"), os.getpid(), "ann", socket.gethostname(), "").is_alive
