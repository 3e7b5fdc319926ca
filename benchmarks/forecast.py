"""How long a cell will take, and whether it is worth it: from results of smaller sizes and from the quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import quota
from benchmarks.cells import FULL, PEERS, SIZES, TEXTBOOK_DIES_AT, Cell, Kind, Phase, Quotas
from benchmarks.claims import CLAIMS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from benchmarks.results import Result

NEEDED = frozenset(cell for claim in CLAIMS.values() for cell in (*claim.cells, *claim.beside))
TIMEOUT = 1500.0  # seconds that a cell may take if a claim tells of it
START = 3.0  # seconds that preparing and starting takes, for cells without any precedent
MANY = 100  # people from which on a run is more than its start
ONCE = 60.0  # seconds from which on one round is enough


def seconds(cell: Cell, known: Mapping[Cell, Result]) -> float:
    """Return about how long a run takes: as before, or in line with smaller sizes, or the quota's floor."""
    if cell in known:
        return known[cell].wall
    floor = quota.floor(cell)
    free = Cell(cell.peer, cell.people, cell.phase)  # the same work without quotas, which it takes at least
    for like in (cell, free):
        smaller = sorted(
            (one.people, known[one].wall)
            for one in known
            if one.people <= cell.people and one == like.at(one.people) and known[one].is_done
        )
        if smaller:
            return max(floor, _extrapolated(smaller, cell.people))
    return floor + START


def _extrapolated(smaller: list[tuple[int, float]], people: int) -> float:
    """Return the seconds for so many people, from those of one smaller size, or in line with the two largest."""
    count, took = smaller[-1]
    if len(smaller) > 1:
        count_before, took_before = smaller[-2]
        each = max(0.0, took - took_before) / (count - count_before)
        return took + each * (people - count)
    # All that is known is one run: of a few people it tells about starting and nothing else.
    return took if count < MANY else took * people / count


def reason_against(cell: Cell, known: Mapping[Cell, Result], longest: float, tools: Collection[str]) -> str | None:
    """Return why a cell is not run, as the tables say it; None if it is. ``tools`` are those that are there."""
    peer = PEERS[cell.peer]
    for tool, needs in (
        ("pulumi", peer.engine == "pulumi"),
        ("aws", peer.name == "aws-cli"),
        ("postgres", "postgres" in peer.name),
    ):
        if needs and tool not in tools:
            return f"no {tool} here"
    if peer.kind is Kind.TEXTBOOK and cell.people >= TEXTBOOK_DIES_AT and not _shows_the_end(cell):
        return "fails with fewer people"
    floor = quota.floor(cell)
    if floor > longest:
        return f"at least {duration(floor)} by AWS's quota"
    expected = seconds(cell, known)
    if expected > allowed(cell, longest):
        return f"about {duration(expected)}, estimated"
    return None


def estimate(cell: Cell, known: Mapping[Cell, Result]) -> str | None:
    """Return the estimate that a table shows for a cell nobody had time for; None without two smaller sizes."""
    smaller = [one for one in known if one.people < cell.people and one == cell.at(one.people)]
    if len(smaller) < 2 or max(one.people for one in smaller) < FULL:
        return None
    return f"about {duration(seconds(cell, known))}, estimated"


def allowed(cell: Cell, longest: float) -> float:
    """Return the seconds that a cell may take: more than ``longest`` if a claim tells of it."""
    return max(longest, TIMEOUT) if cell in NEEDED else longest


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
