"""The tables of docs/benchmarks.md, from results alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import claims, forecast, turns
from benchmarks.cells import BASELINE, PEERS, Cell, Kind, Phase, Quotas
from benchmarks.judging import processor, verdict
from benchmarks.results import best

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from benchmarks.results import Result

    Results = Mapping[Cell, Result]

MEMORY, CALLS, STATE = "Memory", "Calls", "Bytes of state a person after the first up"
SERVICE = "Service"
COMMANDS, STARTING = "Commands on a register's file", "Starting, ten people"
PHASES = {
    Phase.UP: "First up",
    Phase.PREVIEW: "Unchanged preview",
    Phase.ADD: "One person added",
    Phase.REFRESH: "Refresh with 1 % drift",
    Phase.LOAD: "Register alone",
}
QUOTAS = {Quotas.NONE: "without quotas", Quotas.AWS: "with AWS's quotas"}
_MB = 1e6
_SERVICE = """One domain of so many speakers, 64 connections that all processes share, opt-outs of new people, and
pages of 100 from places all over the domain. Load, services and database share the processors; processor time is of
service + database + load. A write holds its domain for a time, and each person more in the same transaction adds a
little processor time: the quickest of many, without other work.
[What it says about a larger machine](service-storage.md#a-larger-machine)."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def judged(results: Results) -> str:
    """Return the table of claims."""
    rows = []
    for claim in claims.CLAIMS.values():
        found = verdict(claim, results)
        told = ["not measured", "", ""]
        if found is not None:
            told = [found.measured, f"{found.share:.0%}", "yes" if found.holds else "**no**"]
        rows.append([f"`{claim.name}`", claim.limit, *told])
    return table(["claim", "limit", "measured", "of the limit", "holds"], rows)


class Tables:
    """Tables of peers and sizes. ``longest`` and ``tools`` say why a cell is missing."""

    def __init__(
        self, results: Iterable[Result], sizes: Sequence[int], longest: float, tools: Collection[str]
    ) -> None:
        self.results = best(results)
        self._sizes = sorted(sizes)
        self._longest = longest
        self._tools = tools

    def all(self) -> str:
        """Return all tables, with headings."""
        parts = []
        for quotas in Quotas:
            for phase, title in PHASES.items():
                if self._peers(phase, quotas):
                    parts += [f"### {title}, {QUOTAS[quotas]}", self._times(phase, quotas)]
        parts += [f"### {COMMANDS}", "In turn on a file of bare ids; the ratio is to `validate`.", self._edits()]
        parts += [f"### {STARTING}", 'In turn; the ratio is to `python -c "import pulumi"`.', self._starts()]
        parts += ["## Memory", "The largest process / all at once, MB, without quotas.", self._memory()]
        parts += ["## Calls", "By operation at the largest size that was run."]
        parts += [f"### {CALLS}, {QUOTAS[Quotas.NONE]}", self._calls(Quotas.NONE)]
        parts += [f"### {CALLS}, {QUOTAS[Quotas.AWS]}", "Those refused for their rate are in brackets."]
        parts += [self._calls(Quotas.AWS), "## State", f"### {STATE}"]
        parts += ["In brackets: how many of 100 ids can be read in it.", self._state()]
        return "\n\n".join([*parts, *self._service()])

    def _peers(self, phase: Phase, quotas: Quotas) -> list[str]:
        """Return the peers with any result."""
        measured = {
            cell.peer for cell in self.results if (cell.phase, cell.quotas, cell.latency) == (phase, quotas, 0)
        }
        return [name for name in PEERS if name in measured]

    def _grid(self, phase: Phase, quotas: Quotas, show: Callable[[Cell], str]) -> str:
        sizes = [size for size in self._sizes if any(cell.people == size for cell in self.results)]
        rows = [
            [PEERS[peer].title, *(show(Cell(peer, size, phase, quotas)) for size in sizes)]
            for peer in self._peers(phase, quotas)
        ]
        return table(["", *(f"{size:,}" for size in sizes)], rows)

    def _times(self, phase: Phase, quotas: Quotas) -> str:
        def show(cell: Cell) -> str:
            result = self.results.get(cell)
            if result is None:
                return self._missing(cell)
            if not result.is_done:
                return result.outcome
            seconds = result.told.get("seconds", result.wall)
            base = self.results.get(Cell(BASELINE, cell.people, phase, quotas))
            ratio = (
                f" · {seconds / base.wall:.2f} x"
                if base and base.is_done and PEERS[cell.peer].kind is not Kind.REGISTER
                else ""
            )
            return f"{_shown(seconds)} ({processor(result):.1f}){ratio}"

        return self._grid(phase, quotas, show)

    def _edits(self) -> str:
        names = {name: f"`optout {name}`" for name in (turns.VALIDATE, turns.ADD, turns.RELEASE)}
        return self._in_turn(Phase.EDIT, names, turns.VALIDATE)

    def _starts(self) -> str:
        names = {
            turns.IMPORT: '`python -c "import pulumi"`',
            turns.HELP: "`optout --help`",
            turns.COLD: "`optout preview` of ten people, unchanged",
            turns.SANDBOX: "the same in a sandbox, its service included",
        }
        return self._in_turn(Phase.START, names, turns.IMPORT)

    def _in_turn(self, phase: Phase, names: Mapping[str, str], base: str) -> str:
        """Return the table of commands that were run in turn; the ratio is of processor time."""
        sizes = [size for size in self._sizes if Cell("turns", size, phase) in self.results]

        def show(name: str, size: int) -> str:
            result = self.results[Cell("turns", size, phase)]
            if not result.is_done:
                return result.outcome
            told = result.told
            return f"{_shown(told[turns.seconds(name)])} ({told[name]:.2f}) · {told[name] / told[base]:.2f} x"

        rows = [[title, *(show(name, size) for size in sizes)] for name, title in names.items()]
        return table(["", *(f"{size:,}" for size in sizes)], rows) if sizes else "*not measured*"

    def _missing(self, cell: Cell) -> str:
        reason = forecast.reason_against(cell, self.results, self._longest, self._tools)
        return f"*{reason or forecast.estimate(cell, self.results) or 'not measured'}*"

    def _memory(self) -> str:
        def show(cell: Cell) -> str:
            result = self.results.get(cell)
            return f"{result.peak / _MB:.0f} / {result.tree / _MB:.0f}" if result and result.is_done else "-"

        return self._by_phase(show)

    def _by_phase(self, show: Callable[[Cell], str]) -> str:
        parts = []
        for phase in (Phase.UP, Phase.PREVIEW, Phase.REFRESH):
            if self._peers(phase, Quotas.NONE):
                parts += [f"### {MEMORY}, {PHASES[phase].lower()}", self._grid(phase, Quotas.NONE, show)]
        return "\n\n".join(parts)

    def _calls(self, quotas: Quotas) -> str:
        rows = []
        for phase, title in PHASES.items():
            for peer in self._peers(phase, quotas):
                found = [
                    result
                    for cell, result in self.results.items()
                    if (cell.peer, cell.phase, cell.quotas, cell.latency) == (peer, phase, quotas, 0)
                    and result.calls
                ]
                if found:
                    most = max(found, key=lambda result: (result.is_done, result.cell.people))
                    rows.append([PEERS[peer].title, title, f"{most.cell.people:,}", _counted(most)])
        return table(["", "phase", "people", "calls"], rows)

    def _service(self) -> list[str]:
        found = [
            result
            for _, result in sorted(self.results.items(), key=lambda pair: list(PEERS).index(pair[0].peer))
            if result.cell.phase is Phase.SERVE and result.is_done
        ]
        rows = [_served(result) for result in found if result.cell.people == max(one.cell.people for one in found)]
        if not rows:
            return []
        writes = ["opt-outs a second", "p50, p99", "processor time", "holds its domain"]
        pages = ["pages a second", "p50, p99", "processor time"]
        whole = table(["", "speakers", *writes, *pages, "memory of a process"], rows)
        return [f"## {SERVICE}", _SERVICE, whole, *(_joined(one.told) for one in found if "join_most" in one.told)]

    def _state(self) -> str:
        def show(cell: Cell) -> str:
            result = self.results.get(cell)
            if not result or not result.is_done or not result.state:
                return "-"
            return f"{result.state / cell.people:,.0f} ({result.exposed})"

        return self._grid(Phase.UP, Quotas.NONE, show)


def _served(result: Result) -> list[str]:
    told = result.told

    def load(name: str) -> list[str]:
        used = [f"{told[f'{name}_{part}']:,.0f}" for part in ("service", "database", "load")]
        times = f"{told[f'{name}_p50']:.1f}, {told[f'{name}_p99']:.1f} ms"
        return [f"{told[f'{name}_rate']:,.0f}", times, f"{' + '.join(used)} µs"]

    return [
        PEERS[result.cell.peer].title,
        f"{result.cell.people:,}",
        *load("write"),
        f"{told['hold_one']:.1f} ms, {told['hold_more']:.0f} µs more",
        *load("page"),
        f"{result.peak / _MB:.0f} MB",
    ]


def _joined(told: Mapping[str, float]) -> str:
    names = ("processes", "acknowledged", "missing", "refused_joining", "refused", "most", "longest")
    processes, made, lost, joining, refused, most, longest = (f"{told[f'join_{name}']:,.0f}" for name in names)
    return (
        f"{processes} processes joined the database one after another while opt-outs arrived, then one left. "
        f"Of {made} opt-outs that were acknowledged {lost} were lost. {joining} calls were refused while processes "
        f"joined, and {refused} in all, each at most {most} times; the longest time from a refusal to the success "
        f"was {longest} ms."
    )


def _shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.1f} ms"


def _counted(result: Result) -> str:
    parts = []
    for name, count in sorted(result.calls.items()):
        refused = result.throttled.get(name, 0)
        parts.append(f"{count:,} {name}" + (f" ({refused:,})" if refused else ""))
    return ", ".join(parts)
