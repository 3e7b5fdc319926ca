"""What the project promises at this size: each claim names the cells it needs, and judges their results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.cells import Cell, Phase, Quotas
from benchmarks.people import COMMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.results import Result

    Results = Mapping[Cell, Result]

MB = 1e6
PREVIEW, PREVIEW_CLI = 4, 10  # seconds that an unchanged preview of all may take
FULL = 100_000  # speakers that AWS allows in a domain
_START = 10  # people of the run that stands for what starting costs


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was measured, in words, and whether it keeps to the limit."""

    measured: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A limit. ``judge`` gets results that ended well for all ``cells``."""

    name: str
    limit: str
    cells: tuple[Cell, ...]
    judge: Callable[[Results], Verdict]


def verdict(claim: Claim, results: Results) -> Verdict | None:
    """Judge; None if a cell has not been measured. A cell that failed breaks the claim."""
    found = [results.get(cell) for cell in claim.cells]
    if any(result is None for result in found):
        return None
    for result in found:
        if result is not None and not result.is_done:
            return Verdict(f"{result.cell.key}: {result.outcome}", holds=False)
    return claim.judge(results)


def _preview(peer: str, seconds: float, memory: float | None) -> Claim:
    cell = Cell(peer, FULL, Phase.PREVIEW)

    def judge(results: Results) -> Verdict:
        found = results[cell]
        holds = found.wall <= seconds and (memory is None or found.peak <= memory * MB)
        return Verdict(f"{found.wall:.1f} s ({found.cpu:.1f} cpu s), {found.peak / MB:.0f} MB", holds)

    limit = f"at most {seconds:.0f} s" + (f" and {memory:.0f} MB in the largest process" if memory else "")
    return Claim(
        f"preview-{peer}", f"100,000 people, unchanged preview, register included: {limit}", (cell,), judge
    )


def _added(peer: str, seconds: float) -> Claim:
    """``seconds`` is what an unchanged preview may take."""
    cell = Cell(peer, FULL, Phase.ADD)

    def judge(results: Results) -> Verdict:
        found = results[cell]
        writes = found.calls.get("OptOutSpeaker", 0)
        text = f"{found.wall:.1f} s ({found.cpu:.1f} cpu s), {writes} OptOutSpeaker"
        return Verdict(text, found.wall <= seconds + 1 and writes == 1)

    what = "one person added to 100,000: `optout up`, its plan included"
    limit = f"{what}: at most the {seconds:.0f} s of a preview and 1 s, one OptOutSpeaker"
    return Claim(f"add-{peer}", limit, (cell,), judge)


def _applied(peer: str) -> Claim:
    added, unchanged = Cell(peer, FULL, Phase.APPLY), Cell(peer, FULL, Phase.PREVIEW)

    def judge(results: Results) -> Verdict:
        found, before = results[added], results[unchanged]
        more = found.wall - before.wall
        writes = found.calls.get("OptOutSpeaker", 0)
        text = f"{found.wall:.1f} s: {more:+.1f} s ({found.cpu - before.cpu:+.1f} cpu s), {writes} OptOutSpeaker"
        return Verdict(text, more <= 1.0 and writes == 1)

    limit = (
        "one person added to 100,000: the engine alone, without the plan before, takes at most 1 s more than the "
        "preview took, and one OptOutSpeaker"
    )
    return Claim(f"apply-{peer}", limit, (added, unchanged), judge)


def _shown(peer: str) -> Claim:
    cell = Cell(peer, FULL, Phase.DIFF)

    def judge(results: Results) -> Verdict:
        told = results[cell].told
        lines, resources = int(told.get("lines", 0)), int(told.get("resources", 0))
        return Verdict(f"{resources} resource(s), {lines} `+` line(s)", lines == resources == 1)

    shown = "raw `pulumi preview --diff`" if peer.endswith("cli") else "`optout preview`"
    limit = f"one person added to 100,000: {shown} changes one resource and shows one `+` line"
    return Claim(f"diff-{peer}", limit, (cell,), judge)


def _quota(name: str, cell: Cell, floor: float, most: float = 1.05) -> Claim:
    limit_seconds = most * floor

    def judge(results: Results) -> Verdict:
        found = results[cell]
        text = f"{found.wall:.1f} s, {found.throttled_share:.2%} throttled"
        return Verdict(text, found.wall <= limit_seconds and found.throttled_share < 0.01)

    late = f", {cell.latency} ms away" if cell.latency else ""
    what = f"AWS's quotas{late}: {cell.phase.value} of {cell.people:,} people"
    limit = f"{what}: at most {most} x {floor:.0f} s, under 1 % throttled"
    return Claim(name, limit, (cell,), judge)


def _writes() -> Claim:
    ours, theirs, raw = (Cell(peer, FULL, Phase.UP) for peer in ("sharded", "threads", "raw"))

    def judge(results: Results) -> Verdict:
        rates = [results[cell].told["writes"] / results[cell].told["write_seconds"] for cell in (ours, theirs)]
        most = FULL / results[raw].told["seconds"]
        each = [results[cell].cpu / FULL * 1000 for cell in (ours, theirs, raw)]
        text = (
            f"{rates[0]:,.0f}/s, boto3 threads {rates[1]:,.0f}/s: {rates[0] / rates[1]:.2f} x; the service's own "
            f"maximum {most:,.0f}/s. Whole run {results[ours].wall:.0f} s, boto3 {results[theirs].wall:.0f} s"
            f"; processor time of a person {each[0]:.2f}, {each[1]:.2f} and {each[2]:.2f} ms, the service's aside"
        )
        return Verdict(text, rates[0] >= rates[1])

    limit = "without quotas `up` of 100,000 writes at least as fast as boto3 in threads, with as many connections"
    return Claim("writes", limit, (ours, theirs, raw), judge)


def ratio_of_costs(small: tuple[int, float], large: tuple[int, float], start: float) -> tuple[float, float]:
    """Return the cost of a person at the large size over that at the small one: with the start, and without.

    ``small`` and ``large`` are people and seconds.
    """
    with_start = (large[1] / large[0]) / (small[1] / small[0])
    return with_start, ((large[1] - start) / large[0]) / max(1e-9, (small[1] - start) / small[0])


def _each(peer: str, phase: Phase, small: int, large: int, limit: float) -> Claim:
    cells = tuple(Cell(peer, people, phase) for people in (_START, small, large))

    def judge(results: Results) -> Verdict:
        costs = [results[cell].told.get("cpu", results[cell].cpu) for cell in cells]
        plain, strict = ratio_of_costs((small, costs[1]), (large, costs[2]), costs[0])
        text = f"{plain:.2f} x, start-up aside {strict:.2f} x ({costs[2] / large * 1000:.3f} ms a person)"
        return Verdict(text, max(plain, strict) <= limit)

    words = f"{peer}, {phase.value}: processor time of a person at {large:,} at most {limit} x that at {small:,}"
    return Claim(f"each-{peer}-{phase.value}", words, cells, judge)


def _state() -> Claim:
    cell = Cell("sharded", FULL, Phase.UP)

    def judge(results: Results) -> Verdict:
        found = results[cell]
        each = found.state / FULL
        return Verdict(f"{each:.0f} bytes, {found.exposed} of 100 ids readable", each <= 180 and not found.exposed)

    return Claim("state", "state of 100,000 people: at most 180 bytes a person, ids encrypted", (cell,), judge)


def _register() -> Claim:
    cell = Cell("register-full", FULL, Phase.LOAD)

    def judge(results: Results) -> Verdict:
        found = results[cell]
        seconds = found.told["seconds"]
        text = f"{seconds:.2f} s ({found.told['cpu']:.2f} cpu s), {found.peak / MB:.0f} MB"
        return Verdict(text, seconds <= 2 and found.peak <= 300 * MB)

    return Claim("register", "register of 100,000 full entries: loaded in at most 2 s and 300 MB", (cell,), judge)


def _report() -> Claim:
    cell = Cell("sharded", FULL, Phase.REPORT)
    most, memory = 8.0, 300

    def judge(results: Results) -> Verdict:
        found = results[cell]
        seconds, walk = found.told["seconds"], found.told["walk"]
        text = f"{seconds:.1f} s, the walk {walk:.1f} s: {seconds / walk:.2f} x; {found.peak / MB:.0f} MB"
        cpu = f"{found.cpu - found.told['walk_cpu']:.1f} cpu s and {found.told['walk_cpu']:.1f}"
        return Verdict(f"{text} ({cpu})", seconds <= most * walk and found.peak <= memory * MB)

    limit = (
        f"`optout report` of 100,000 full entries and {COMMITS} commits, without quotas: at most {most:.0f} x the "
        f"walk through the domain alone, right before it, and {memory} MB"
    )
    return Claim("report", limit, (cell,), judge)


CLAIMS = {
    claim.name: claim
    for claim in (
        _preview("sharded", PREVIEW, 300),
        _preview("sharded-cli", PREVIEW_CLI, None),
        _added("sharded", PREVIEW),
        _added("sharded-cli", PREVIEW_CLI),
        *(_applied(peer) for peer in ("sharded", "sharded-cli")),
        *(_shown(peer) for peer in ("sharded", "sharded-cli")),
        _quota("up-quota", Cell("sharded", 600, Phase.UP, Quotas.AWS), 60),
        _quota("up-quota-far", Cell("sharded", 600, Phase.UP, Quotas.AWS, 200), 60),
        _quota("refresh-quota", Cell("sharded", 10_000, Phase.REFRESH, Quotas.AWS), 20),
        # A page is asked for with the token of the one before: a hundred of them wait for each other.
        _quota("refresh-quota-far", Cell("sharded", 10_000, Phase.REFRESH, Quotas.AWS, 200), 20, most=1.1),
        _writes(),
        _each("sharded", Phase.PREVIEW, 10_000, FULL, 1.1),
        _each("sharded", Phase.REFRESH, 10_000, FULL, 1.1),
        _each("register-full", Phase.LOAD, 10_000, FULL, 1.1),
        _each("register-bare", Phase.LOAD, 10_000, FULL, 1.1),
        _each("single", Phase.PREVIEW, 1_000, 10_000, 1.2),
        _each("single", Phase.UP, 1_000, 10_000, 1.2),
        _state(),
        _register(),
        _report(),
    )
}
