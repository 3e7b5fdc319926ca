"""How long a cell will take, and whether it is worth it: from results of smaller sizes and from the quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import quota
from benchmarks.cells import PEERS, SIZES, TEXTBOOK_DIES_AT, Cell, Kind, Phase, Quotas

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from benchmarks.results import Result

START = 3.0  # seconds that preparing and starting takes, for cells without any precedent
ONCE = 60.0  # seconds from which on one round is enough


def seconds(cell: Cell, known: Mapping[Cell, Result]) -> float:
    """Return about how long a run takes: as before, or in proportion to a smaller size, or the quota's floor."""
    if cell in known:
        return known[cell].wall
    # Without quotas the same work takes what it takes; with them at least that.
    free = Cell(cell.peer, cell.people, cell.phase)
    floor = quota.floor(cell)
    for people in sorted({one.people for one in known if one.people <= cell.people}, reverse=True):
        for like in (cell.at(people), free.at(people)):
            if like in known and known[like].is_done:
                return max(floor, known[like].wall * cell.people / people)
    return floor + START


def reason_against(cell: Cell, known: Mapping[Cell, Result], longest: float, tools: Collection[str]) -> str | None:
    """Return why a cell is not run, as the tables say it; None if it is. ``tools`` are those that are there."""
    peer = PEERS[cell.peer]
    for tool, needs in (("pulumi", peer.engine == "pulumi"), ("aws", peer.name == "aws-cli")):
        if needs and tool not in tools:
            return f"no {tool} here"
    if peer.kind is Kind.TEXTBOOK and cell.people >= TEXTBOOK_DIES_AT and not _shows_the_end(cell):
        return "dies before"
    floor = quota.floor(cell)
    if floor > longest:
        return f"quota's floor {duration(floor)}"
    # In proportion to a size ten times smaller, start-up included, is rather too long than too short.
    expected = seconds(cell, known)
    if expected > longest:
        return f"about {duration(expected)}, by a smaller size"
    return None


def _shows_the_end(cell: Cell) -> bool:
    first = min(size for size in SIZES if size >= TEXTBOOK_DIES_AT)
    return (cell.phase, cell.people, cell.quotas) == (Phase.UP, first, Quotas.NONE)


def rounds(cell: Cell, known: Mapping[Cell, Result], wanted: int) -> int:
    """Return how often a cell is run: one that takes long, or that failed, once."""
    failed = cell in known and not known[cell].is_done
    return 1 if failed or seconds(cell, known) > ONCE else wanted


def duration(seconds_: float) -> str:
    """Return seconds as people say them."""
    if seconds_ < 120:
        return f"{seconds_:,.0f} s"
    if seconds_ < 7200:
        return f"{seconds_ / 60:,.0f} min"
    return f"{seconds_ / 3600:,.1f} h"
