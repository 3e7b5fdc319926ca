"""Results as the tests need them."""

from __future__ import annotations

from typing import Any

from benchmarks.cells import Cell, Phase, Quotas
from benchmarks.results import DONE, Result


def cell(key: str) -> Cell:
    """Return the cell of a key as --only takes it."""
    peer, phase, people, quotas, *late = key.split("/")
    return Cell(peer, int(people), Phase(phase), Quotas(quotas), int(late[0].removesuffix("ms")) if late else 0)


def result(key: str, wall: float = 1.0, **facts: Any) -> Result:
    return Result(**{"cell": cell(key), "date": "2026-01-02", "outcome": DONE, "wall": wall, "cpu": wall, **facts})


def known(*results: Result) -> dict[Cell, Result]:
    return {one.cell: one for one in results}
