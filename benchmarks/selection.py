"""Which cells are run: all of the tables, what some claims need, or the short form of both."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING

from benchmarks.cells import FULL, PEERS, SIZES, Cell, Phase, Quotas, grid, serving
from benchmarks.claims import CLAIMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

QUICK = (10,)
_SMALL = (10, 300, 1_000, 10_000)
_SHORT_PEERS = ("sharded", "sharded-cli", "loop", "threads", "raw", "register-bare", "register-full", "turns")
# The page begins with these.
_SUMMARY = (
    *(Cell("threads", FULL, phase) for phase in (Phase.ADD, Phase.REFRESH)),
    Cell("sharded-cli", FULL, Phase.UP),
)


def of_claims(names: Iterable[str] = CLAIMS, *, beside: bool = False) -> list[Cell]:
    """Return what claims need, each cell once, small ones first; with ``beside`` also what they tell of peers."""
    cells = [cell for name in names for cell in CLAIMS[name].cells]
    cells += [cell for name in names for cell in (CLAIMS[name].beside if beside else ())]
    return sorted(dict.fromkeys(cells), key=lambda cell: cell.people)


def short() -> list[Cell]:
    """Return what all claims need, then their columns, and last the slowest: a first run of the Pulumi CLI."""
    columns = [cell for cell in grid(_SMALL, (Quotas.NONE,)) if cell.peer in _SHORT_PEERS]
    beside = of_claims(beside=True)
    slowest = [cell for cell in beside if cell.phase is Phase.UP and PEERS[cell.peer].engine == "pulumi"]
    first = [*of_claims(), *_SUMMARY, *columns, *(cell for cell in beside if cell not in slowest)]
    return list(dict.fromkeys([*first, *serving(SIZES), *slowest]))


def everything(sizes: Sequence[int], quotas: tuple[Quotas, ...]) -> list[Cell]:
    """Return all cells of the tables, and what claims about these sizes need besides."""
    cells = dict.fromkeys(grid(tuple(sizes), quotas))
    # A claim about a size that was not asked for is not looked into.
    wanted = [cell for cell in of_claims() if cell.people <= max(sizes) and cell.quotas in quotas]
    return list({**cells, **dict.fromkeys(wanted)})


def matching(cells: Iterable[Cell], patterns: Sequence[str]) -> list[Cell]:
    """Return the cells whose key matches a pattern; all if there is none."""
    return [cell for cell in cells if not patterns or any(fnmatch(cell.key, pattern) for pattern in patterns)]
