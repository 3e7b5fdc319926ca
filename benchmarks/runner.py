"""Runs cells one after the other, and says what is running and how long the rest will take."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks import forecast
from benchmarks.bases import Bases
from benchmarks.cells import BASELINE, PEERS, Cell
from benchmarks.measure import measure
from benchmarks.results import Result, best

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from benchmarks.results import Store

GRACE = 3  # times the longest run that is begun, after which one is ended


class Runner:
    """Works through cells in the given order; what the store has is not run again.

    ``before`` are seconds of an earlier time, for the estimate of what is left alone. After ``minutes`` no cell is
    begun, nor one that would end later.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        longest: float,
        tools: Collection[str],
        say: Callable[[str], None],
        *,
        before: Mapping[Cell, Result] | None = None,
        minutes: float | None = None,
    ) -> None:
        self._folder = folder
        self._store = store
        self._bases = Bases(folder / "bases")
        self._longest = longest
        self._tools = tools
        self._say = say
        self._before = before or {}
        self._until = None if minutes is None else time.monotonic() + minutes * 60
        self._estimated = self._took = 0.0

    def run(self, cells: Sequence[Cell], rounds: int) -> None:
        """Run each cell so many times, all cells once before any of them twice."""
        for number in range(1, rounds + 1):
            self._round(cells, number, rounds)

    def _round(self, cells: Sequence[Cell], number: int, rounds: int) -> None:
        waiting = [cell for cell in cells if self._store.rounds(cell) < number]
        for position, cell in enumerate(waiting):
            known = best(self._store)
            if number > forecast.rounds(cell, known, rounds):
                continue
            reason = forecast.reason_against(cell, known, self._longest, self._tools)
            expected = self._expected(cell, number, rounds)
            if reason is None and self._until is not None and time.monotonic() + self._real(expected) > self._until:
                reason = f"about {forecast.duration(self._real(expected))}, and there is no such time left"
            if reason is not None:
                if number == 1:
                    self._say(f"{cell.key}: not run: {reason}")
                continue
            left = self._real(sum(self._expected(one, number, rounds) for one in waiting[position:]))
            place = f"{position + 1}/{len(waiting)}, round {number} of {rounds}"
            self._say(f"[{place}, about {forecast.duration(left)} left] {cell.key} ...")
            started = time.monotonic()
            result = self._measured(cell)
            took = time.monotonic() - started
            self._estimated, self._took = self._estimated + expected, self._took + took
            self._store.add(result)
            self._say(
                f"    {told(result, best(self._store).get(Cell(BASELINE, cell.people, cell.phase, cell.quotas)))}"
                f"; with its preparation {took:.0f} s"
            )

    def _measured(self, cell: Cell) -> Result:
        """Run a cell; what cannot be run is a result too, and the others go on."""
        timeout = max(self._longest * GRACE, forecast.allowed(cell, 0))
        try:
            return measure(cell, self._bases, self._folder / "work", timeout)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - one cell that fails does not take hours of others along
            said = (str(error).strip().splitlines() or [""])[-1][:200]
            today = datetime.now(UTC).date().isoformat()
            return Result(cell, today, f"failed: {type(error).__name__}: {said}", wall=0, cpu=0)

    def _real(self, seconds: float) -> float:
        """Return what estimated seconds are in truth, as far as this run shows."""
        return seconds * (self._took / self._estimated if self._estimated > 30 else 1.0)

    def _expected(self, cell: Cell, number: int, rounds: int) -> float:
        known = best(self._store)
        if forecast.reason_against(cell, known, self._longest, self._tools) is not None:
            return 0.0
        if number > forecast.rounds(cell, known, rounds):
            return 0.0
        return forecast.seconds(cell, {**self._before, **known}) + forecast.START


def told(result: Result, base: Result | None) -> str:
    """Return a line about a result, with its ratio to ours."""
    if not result.is_done:
        return result.outcome
    ratio = ""
    if base is not None and base.is_done and base.cell != result.cell:
        ratio = f", {result.wall / base.wall:.2f} x {PEERS[base.cell.peer].title}"
    return f"{result.wall:.2f} s, {result.cpu:.2f} cpu s, {result.peak / 1e6:.0f} MB{ratio}"
