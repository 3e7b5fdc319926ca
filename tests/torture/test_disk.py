"""A disk that is full, read-only, over its quota or broken, from any call of a run on: nothing is lost.

A run of the embedded engine changes its folder by some hundred calls. One of them fails, and so do all that follow
until the run ends, or it alone does. The run then ends with an error that says what is wrong, its state can be read
and has everybody about whom the service was asked, and the next run goes on.
"""

from __future__ import annotations

import errno
import os
import random
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import torture
from tests.engine.bench import Bench
from tests.torture.test_power import names, opened
from voiceid_optout.state import StateError
from voiceid_optout.state.backend import read_locks, remove_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES)
# What changes a folder. To remove something takes no room, and fails on other disks.
CALLS = ("open", "write", "fsync", "replace", "link", "mkdir", "chmod")
REMOVALS = ("unlink", "rmdir")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Faults:
    """Lets calls on a folder fail from the ``first`` on, or the first alone."""

    def __init__(self, root: Path, first: int, number: int, *, lasting: bool) -> None:
        self._root = root
        self.first = first
        self._number = number
        self._lasting = lasting
        self.count = 0

    def on(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def faulty(*args: Any, **named: Any) -> Any:
            if self._concerns(name, args):
                self.count += 1
                if self.count == self.first or (self._lasting and self.count > self.first):
                    raise OSError(self._number, os.strerror(self._number))
            return call(*args, **named)

        return faulty

    def _concerns(self, name: str, args: tuple[Any, ...]) -> bool:
        if name == "open" and not (len(args) > 1 and args[1] & WRITES):
            return False
        try:
            first = args[0]
            path = Path(f"/proc/self/fd/{first}").readlink() if isinstance(first, int) else Path(first)
        except OSError:
            return False
        return path.is_relative_to(self._root)


@contextmanager
def failing(faults: Faults, calls: tuple[str, ...], patch: pytest.MonkeyPatch) -> Iterator[None]:
    with patch.context() as patched:
        for name in calls:
            patched.setattr(os, name, faults.on(name, getattr(os, name)))
        yield


@pytest.fixture
def project(tmp_path: Path, forked_engine: None) -> Bench:
    return Bench.make(tmp_path / "sample")


def calls_of(bench: Bench, patch: pytest.MonkeyPatch) -> int:
    """Return by how many calls a run changes its folder when none of them fails."""
    faults = Faults(bench.backend.root, 0, 0, lasting=False)
    with failing(faults, CALLS, patch):
        assert bench.up().ok
    return faults.count


def test_any_call_may_fail(project: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, budget = project, torture.budget("disk")
    dice, ends, struck = random.Random(budget.seed), Counter[str](), 0

    def want(number: int) -> None:
        bench.want(**{f"s{n}": {"val": f"v{number}"} for n in range(number % 2, number % 2 + 4)})

    assert bench.up().ok
    want(-1)
    calls = calls_of(bench, monkeypatch)
    for number in range(budget.count):
        want(number)
        error = dice.choice(ERRORS)
        failing_calls = (*CALLS, *REMOVALS) if error in (errno.EROFS, errno.EIO) else CALLS
        faults = Faults(bench.backend.root, dice.randint(1, calls), error, lasting=dice.random() < 0.5)
        before = bench.backend.state_file.read_bytes()
        with failing(faults, failing_calls, monkeypatch):
            try:
                ran = bench.up()
            except StateError as refused:
                result, words = "refused", str(refused)
            else:
                result, words = ran.outcome.result.value, ran.errors + ran.said("warning")
        ends[result] += 1
        struck += faults.count >= faults.first
        if result != "succeeded":
            assert os.strerror(error) in words, (result, words, error)
        if result == "refused":
            assert bench.backend.state_file.read_bytes() == before
        exist = {one.split("-")[1] for one in bench.objects()}
        assert exist <= names(opened(bench, bench.backend.root))
        for lock in read_locks(bench.backend.lock_folder):  # of this process, which goes on
            remove_lock(lock)
        again = bench.up()
        assert again.ok, again.errors
        assert {item.id for item in bench.things().values()} <= set(bench.objects())
        assert bench.checkpoint().pending == ()
        assert not any(bench.backend.lock_folder.glob("*.json"))
    assert struck
    budget.record(runs=budget.count, **ends, states_lost=0)
