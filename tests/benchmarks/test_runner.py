"""What runs and what does not; the measurement is given."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import runner
from benchmarks.cells import Cell
from benchmarks.results import Result, Store
from tests.benchmarks.made import cell, result


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
