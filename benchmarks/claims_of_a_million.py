"""What the project promises for a million people; see :mod:`benchmarks.claims`.

What the Pulumi CLI takes at this size is told beside, and promised by nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cells import FULL, MILLION, Cell, Phase
from benchmarks.judging import MB, Claim, Verdict, beside, each, loads, pages
from benchmarks.turns import ADD, RELEASE, VALIDATE, seconds

if TYPE_CHECKING:
    from benchmarks.judging import Results

_BARE, _ENTRIES = (Cell(peer, MILLION, Phase.LOAD) for peer in ("register-bare", "register-full"))
_MEMORY = {Phase.PREVIEW: 900, Phase.UP: 1200}  # MB of the largest process
_PARSED, _LOADED = 3.0, 600  # times the parser's events; MB
_CLI = "sharded-cli"
_WORDS = {
    Phase.PREVIEW: "an unchanged preview that does not ask",
    Phase.ADD: "one person added: `optout up`, its plan included,",
}


def _cell(phase: Phase, peer: str = "sharded") -> Cell:
    return Cell(peer, MILLION, phase)


def _register(cell: Cell, what: str) -> Claim:
    def judge(results: Results) -> Verdict:
        found = results[cell]
        took, events = found.told["cpu"], found.told["events"]
        text = f"{took:.2f} and {events:.2f} cpu s: {took / events:.2f} x, {found.peak / MB:.0f} MB"
        return Verdict(text, max(took / events / _PARSED, found.peak / (_LOADED * MB)))

    limit = (
        f"register of a million {what}: loaded in at most {_PARSED:g} x the processor time of the events of "
        f"PyYAML's C parser over the same files, right before and after, and in {_LOADED} MB"
    )
    return Claim(f"load-{what.split(maxsplit=1)[0]}-million", limit, (cell,), judge)


def _edited(name: str) -> Claim:
    cell = Cell("turns", MILLION, Phase.EDIT)

    def judge(results: Results) -> Verdict:
        told = results[cell].told
        took, floor = told[name], told[VALIDATE]
        text = (
            f"{took:.2f} and {floor:.2f} cpu s: {took / floor:.2f} x; {told[seconds(name)]:.2f} and "
            f"{told[seconds(VALIDATE)]:.2f} s"
        )
        return Verdict(text, took / floor / 1.5)

    limit = f"`optout {name}` on a file of a million lines: at most 1.5 x the processor time of `optout validate`"
    return Claim(f"edit-{name}-million", limit, (cell,), judge)


def _memory(phase: Phase) -> Claim:
    cell, most = _cell(phase), _MEMORY[phase]

    def judge(results: Results) -> Verdict:
        found = results[cell]
        text = f"{found.peak / MB:.0f} MB, {found.tree / MB:.0f} MB all at once"
        return Verdict(text, found.peak / (most * MB))

    limit = f"{phase.value} of a million: at most {most:,} MB in the largest process"
    return Claim(f"memory-{phase.value}-million", limit, (cell,), judge)


def _beside_load(phase: Phase, most: float) -> Claim:
    cell, cli = _cell(phase), _cell(phase, _CLI)

    def judge(results: Results) -> Verdict:
        found = results[cell]
        writes = found.calls.get("OptOutSpeaker", 0)
        text = f"{found.cpu:.1f} and {found.told['load']:.1f} cpu s: {loads(found):.2f} x; {found.wall:.1f} s"
        text += f", {writes} OptOutSpeaker{beside(results, cli, found.cpu, 'Pulumi CLI')}"
        return Verdict(text, loads(found) / most, exact=writes == once)

    once = int(phase is Phase.ADD)
    calls = "one OptOutSpeaker" if once else "no OptOutSpeaker"
    limit = (
        f"a million people: {_WORDS[phase]} takes at most {most:g} x the processor time of loading the register "
        f"alone, right before and after, and {calls}"
    )
    return Claim(f"{phase.value}-million", limit, (cell,), judge, beside=(cli,))


def _up() -> Claim:
    ours, theirs, cli = _cell(Phase.UP), _cell(Phase.UP, "threads"), _cell(Phase.UP, _CLI)
    smaller = tuple(Cell("threads", people, Phase.UP) for people in (10_000, FULL))
    least = 2.0

    def judge(results: Results) -> Verdict:
        found, measured = results[ours], results.get(theirs)
        if measured is not None and measured.is_done:
            took, how = measured.wall, "measured"
        else:
            ten, hundred = (results[cell].wall for cell in smaller)
            took = hundred + (hundred - ten) / (FULL - 10_000) * (MILLION - FULL)
            how = "in line with 10,000 and 100,000"
        rate = found.told["writes"] / found.told["write_seconds"]
        text = (
            f"{found.wall:.0f} s, boto3 threads {took:.0f} s ({how}): {took / found.wall:.2f} x as fast; "
            f"{rate:,.0f} writes/s, processor time of a person {found.cpu / MILLION * 1000:.2f} ms"
        )
        return Verdict(text + beside(results, cli, found.cpu, "Pulumi CLI"), least * found.wall / took)

    limit = f"a million people: the first `up`, all of it, at least {least:.0f} x as fast as boto3 in threads"
    return Claim("up-million", limit, (*smaller, ours), judge, beside=(cli,))


OF_A_MILLION = (
    _register(_BARE, "bare ids"),
    _register(_ENTRIES, "full entries"),
    _edited(ADD),
    _edited(RELEASE),
    _beside_load(Phase.PREVIEW, 3),
    pages("refresh-million", _cell(Phase.REFRESH), _cell(Phase.REFRESH, "raw"), 3, _cell(Phase.REFRESH, _CLI)),
    _beside_load(Phase.ADD, 4),
    _up(),
    _memory(Phase.PREVIEW),
    _memory(Phase.UP),
    each("register-bare", Phase.LOAD, FULL, MILLION, 1.1),
    each("register-full", Phase.LOAD, FULL, MILLION, 1.1),
    each("sharded", Phase.PREVIEW, FULL, MILLION, 1.1),
    each("sharded", Phase.REFRESH, FULL, MILLION, 1.1),
    each("sharded", Phase.UP, FULL, MILLION, 1.1),
    each("sharded", Phase.REPORT, FULL, MILLION, 1.1),
)
