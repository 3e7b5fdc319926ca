"""Loss of power at any moment of a run: the state can be read, and has whom the service was asked about.

Runs of the embedded engine are recorded, and replayed to a disk that forgets what was not synced. Each thing that a
crash may leave is opened as the next run would open it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests import torture
from tests.engine.bench import Bench
from tests.forgetful_disk import Log, Recorder, Tree, crashes, lay_out, marks, recorded
from voiceid_optout.engine.embedded.plugin import Plugin
from voiceid_optout.state.backend import Backend, read_locks, remove_lock
from voiceid_optout.state.project import load_project
from voiceid_optout.state.stack import open_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from voiceid_optout.state.checkpoint import Checkpoint

load_once = functools.cache(load_project)
ASKED, LET_GO, SETTLED = "asked for ", "lets go of ", "settled "
# What is wanted in one run after the other: all new, one of each change, nothing new.
FOLLOWING: tuple[dict[str, dict[str, str]], ...] = (
    {"s0": {}, "s1": {}, "s2": {}},
    {"s0": {"val": "b"}, "s2": {}, "s3": {}},
    {"s0": {"val": "b"}, "s2": {}, "s3": {}},
)


@pytest.fixture
def project(tmp_path: Path, forked_engine: None) -> Bench:
    return Bench.make(tmp_path / "sample")


def opened(project: Bench, root: Path, *, writable: bool = False) -> Checkpoint:
    """Open what lies in a folder as the next run does."""
    backend, said = Backend(root, "sample", "dev"), list[str]()
    for lock in read_locks(backend.lock_folder):
        remove_lock(lock)  # its process, that of this test, runs still
    settings, environment = load_once(project.root), project.environment
    return open_stack(settings, backend, environment, said.append, writable=writable, trust_state=True).base


def names(state: Checkpoint) -> set[str]:
    """Return whom the state has, or says to have been under way."""
    items = [*state.resources, *(pending.resource for pending in state.pending)]
    return {item.urn.split("::")[-1] for item in items if ":dynamic/" in item.urn}


def of_run(recorder: Recorder, patch: pytest.MonkeyPatch) -> None:
    """Mark what the service is asked for: from then on it may be done."""
    for method, verb in (("create", ASKED), ("update", ASKED), ("delete", LET_GO)):
        call = getattr(Plugin, method)

        def marked(plugin: Plugin, urn: str, *more: Any, call: Any = call, verb: str = verb) -> Any:
            recorder.mark(f"{verb}{urn.rsplit('::', maxsplit=1)[-1]}")
            return call(plugin, urn, *more)

        patch.setattr(Plugin, method, marked)


def life(project: Bench, patch: pytest.MonkeyPatch) -> Log:
    """Record a first up, one that changes everything, a refresh, and one without changes."""
    with recorded(project.backend.root, patch) as recorder, patch.context() as patched:
        of_run(recorder, patched)
        for wishes in FOLLOWING:
            project.want(**wishes)
            assert project.up().ok
            recorder.mark(f"{SETTLED}{' '.join(wishes)}")
        assert project.run("refresh").ok
    return recorder.log


def check_sidecars(tree: Tree) -> None:
    """Check what the Pulumi CLI checks: where a file has a sidecar, its checksum fits."""
    for path, content in tree.items():
        sidecar = tree.get(f"{path}.attrs")
        if content is not None and sidecar is not None:
            expected = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
            assert json.loads(sidecar)["md5"] == expected, path


def check(project: Bench, tree: Tree, told: list[str], folder: Path) -> None:
    """Check one thing that a crash has left."""
    check_sidecars(tree)
    lay_out(tree, folder)
    found = names(opened(project, folder))
    expected: set[str] = set()
    for mark in told:
        if mark.startswith(SETTLED):
            expected = set(mark.removeprefix(SETTLED).split())
        elif mark.startswith(ASKED):
            expected.add(mark.removeprefix(ASKED))
        else:
            expected.discard(mark.removeprefix(LET_GO))
    assert expected <= found, (told, found)


def every_crash(project: Bench, log: Log, dice: random.Random, more: int, folder: Path) -> Iterator[Path]:
    """Check all that crashes may leave; yields where it lies, as long as it is looked at."""
    for count, tree in crashes(log, dice, more):
        check(project, tree, marks(log, count), folder)
        yield folder
        shutil.rmtree(folder)


def test_power_lost_during_runs(project: Bench, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = torture.budget("power")
    dice = random.Random(budget.seed)
    log = life(project, monkeypatch)
    more = max(budget.count // len(log.operations), 1)
    opened_states = recoveries = 0
    for folder in every_crash(project, log, dice, more, memory / "crash"):
        opened_states += 1
        if dice.random() < 0.02 and any(folder.rglob("*.jsonl")):
            recoveries += 1
            known = names(opened(project, folder))
            with recorded(folder, monkeypatch) as recorder:
                opened(project, folder, writable=True)
            for _, tree in crashes(recorder.log, dice, 1):
                opened_states += 1
                check_sidecars(tree)
                lay_out(tree, memory / "again")
                assert names(opened(project, memory / "again")) == known
                shutil.rmtree(memory / "again")
    budget.record(operations=len(log.operations), states_opened=opened_states, recoveries=recoveries, unreadable=0)
