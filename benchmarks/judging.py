"""What a claim is, and how one is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.cells import MILLION, Cell, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.results import Result

    Results = Mapping[Cell, Result]

MB = 1e6
_START = 10  # people of the run that stands for what starting costs


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured, in words, and its share of the limit: up to 1 the claim holds.

    ``exact`` is for what must be so besides.
    """

    measured: str
    share: float
    exact: bool = True

    @property
    def holds(self) -> bool:
        """Whether the claim holds."""
        return self.exact and self.share <= 1


@dataclass(frozen=True, slots=True)
class Claim:
    """A limit. ``judge`` gets all results; those of ``cells`` are there and ended well.

    ``beside`` are cells whose results are told if they are there: what a peer took, which is no part of the claim.
    """

    name: str
    limit: str
    cells: tuple[Cell, ...]
    judge: Callable[[Results], Verdict]
    beside: tuple[Cell, ...] = ()


def verdict(claim: Claim, results: Results) -> Verdict | None:
    """Judge; None if a cell has not been measured. A cell that failed breaks the claim."""
    found = [results.get(cell) for cell in claim.cells]
    if any(result is None for result in found):
        return None
    for result in found:
        if result is not None and not result.is_done:
            return Verdict(f"{result.cell.key}: {result.outcome}", 0, exact=False)
    try:
        return claim.judge(results)
    except KeyError as error:
        return Verdict(f"the run did not tell {error}: measure it again", 0, exact=False)


def processor(result: Result) -> float:
    """Return the processor seconds of what was measured: what the program says of itself, or all of the run."""
    return result.told.get("cpu", result.cpu)


def loads(result: Result) -> float:
    """Return how many times the register could have been loaded meanwhile, by processor seconds."""
    return result.cpu / result.told["load"]


def beside(results: Results, cell: Cell, mine: float, title: str) -> str:
    """Return a clause about a peer and the ratio of its processor seconds to ours; empty if it was not measured."""
    found = results.get(cell)
    if found is None or not found.is_done:
        return ""
    took = processor(found)
    return f"; {title} {found.wall:.1f} s ({took:.1f} cpu s), {took / mine:.2f} x"


def ratio_of_costs(small: tuple[int, float], large: tuple[int, float], start: float) -> tuple[float, float]:
    """Return the cost of a person at the large size over that at the small one: with the start, and without.

    ``small`` and ``large`` are people and seconds.
    """
    with_start = (large[1] / large[0]) / (small[1] / small[0])
    return with_start, ((large[1] - start) / large[0]) / max(1e-9, (small[1] - start) / small[0])


def each(peer: str, phase: Phase, small: int, large: int, limit: float) -> Claim:
    """Claim that a person costs no more at the large size than at the small one, but for ``limit``."""
    cells = tuple(Cell(peer, people, phase) for people in (_START, small, large))

    def judge(results: Results) -> Verdict:
        costs = [processor(results[cell]) for cell in cells]
        plain, strict = ratio_of_costs((small, costs[1]), (large, costs[2]), costs[0])
        text = f"{plain:.2f} x, start-up aside {strict:.2f} x ({costs[2] / large * 1000:.3f} ms a person)"
        return Verdict(text, max(plain, strict) / limit)

    words = f"{peer}, {phase.value}: processor time of a person at {large:,} at most {limit} x that at {small:,}"
    name = f"each-{peer}-{phase.value}" + ("-million" if large == MILLION else "")
    return Claim(name, words, cells, judge)


def pages(name: str, ours: Cell, raw: Cell, most: float, *peers: Cell) -> Claim:
    """Claim that a refresh costs at most so many times what its pages cost raw, the service's work included."""

    def judge(results: Results) -> Verdict:
        mine, floor = results[ours], results[raw]
        whole = mine.cpu + mine.service
        least = floor.told["cpu"] + floor.told["service"]
        text = (
            f"{whole:.1f} and {least:.1f} cpu s: {whole / least:.2f} x, of these {mine.service:.1f} and "
            f"{floor.told['service']:.1f} of the service; {mine.wall:.1f} and {floor.told['seconds']:.1f} s: "
            f"{mine.wall / floor.told['seconds']:.2f} x"
        )
        text += "".join(beside(results, peer, mine.cpu, "Pulumi CLI") for peer in peers)
        return Verdict(text, whole / least / most)

    limit = (
        f"without quotas a refresh of {ours.people:,}: at most {most:g} x the processor time of reading the same "
        "pages raw (signed before, not parsed), the service's included"
    )
    return Claim(name, limit, (ours, raw), judge, beside=peers)
