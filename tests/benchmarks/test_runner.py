"""The benchmark itself, with so few people that it measures nothing: every kind of preparation and run works."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import runner
from benchmarks.cells import Cell
from benchmarks.results import Result, Store
from tests.benchmarks.made import cell, result

ROOT = Path(__file__).parents[2]
CELLS = (
    *("sharded/up", "sharded/refresh", "single/preview", "threads/up", "register-full/load"),
    *("raw/refresh", "turns/edit"),
)


def test_cells_of_every_kind_are_measured(tmp_path: Path) -> None:
    """The preparation of a refresh runs the engine without the command, which the others do not."""
    only = [word for key in CELLS for word in ("--only", f"{key}/10/none")]
    page = tmp_path / "page.md"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", *only, "--sizes", "10", "--rounds", "1"),
            *("--results", str(tmp_path / "results"), "--page", str(page)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" cpu s, ") + done.stdout.count(" cpu s, ") == len(CELLS)
    assert "failed:" not in page.read_text(encoding="utf-8")


def short_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, measure: Callable[..., Result], *, minutes: float | None = None
) -> tuple[list[str], list[str]]:
    """Run two cells by a measurement that is given; returns the outcomes and what was said."""
    monkeypatch.setattr(runner, "measure", measure)
    store, said = Store(folder), list[str]()
    cells = [cell("loop/up/10/none"), cell("threads/up/10/none")]
    runner.Runner(folder, store, 300, (), said.append, minutes=minutes).run(cells, 1)
    return [one.outcome for one in store], said


def test_a_cell_that_cannot_be_measured_says_why_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(one: Cell, *_: object) -> Result:
        if one.peer == "loop":
            raise SystemExit("the service does not start")
        return result(one.key)

    outcomes, said = short_run(tmp_path, monkeypatch, measure)
    assert outcomes == ["failed: SystemExit: the service does not start", "done"]
    assert any("does not start" in line for line in said)
    assert short_run(tmp_path, monkeypatch, measure) == (outcomes, [])  # nothing is measured again


def test_a_run_that_is_stopped_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(one: Cell, *_: object) -> Result:
        if one.peer == "threads":
            raise KeyboardInterrupt
        return result(one.key)

    with pytest.raises(KeyboardInterrupt):
        short_run(tmp_path, monkeypatch, measure)
    assert [one.cell.peer for one in Store(tmp_path)] == ["loop"]


def test_no_cell_is_begun_that_ends_after_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes, said = short_run(tmp_path, monkeypatch, lambda one, *_: result(one.key), minutes=0.01)
    assert outcomes == []
    assert all("no such time left" in line for line in said)
