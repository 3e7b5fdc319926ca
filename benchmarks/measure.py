"""Runs a cell: prepares its folder and service, runs the peer, and collects what there is to know."""

from __future__ import annotations

import os
import shutil
import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from multiprocessing import get_context
from typing import TYPE_CHECKING

from benchmarks import bases, commands, people, process, quota, reading
from benchmarks.cells import BASELINE, DRIFTED, FULL, ONE_MORE, PEERS, Cell, Kind, Phase, Quotas
from benchmarks.endpoint import Endpoint, service
from benchmarks.people import DOMAIN, STACK
from benchmarks.results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.bases import Bases

_PLANTED = 100


@dataclass(frozen=True, slots=True)
class Before:
    """Before a run: what the service had answered, and the processor seconds it and the whole machine had used."""

    calls: Mapping[str, int]
    spent: float
    busy: float


def measure(cell: Cell, made: Bases, work: Path, timeout: float) -> Result:
    """Run a cell once in the folder ``work``, which is emptied before and after."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        if cell.phase is Phase.SERVE:
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                return pool.submit(_served, cell, work).result()
        root = _prepare(cell, made, work)
        with service(work / "service", cell.quotas, cell.latency, speakers=bases.peopled(cell)) as endpoint:
            if cell.phase is Phase.REFRESH:
                endpoint.enrol(people.speaker_id(DRIFTED * n) for n in range(quota.drifted(cell.people)))
            loads = [_load(cell, root, timeout)] if _is_compared_with_loading(cell) else []
            before = Before(endpoint.counts()[0], endpoint.processor_seconds(), process.busy_seconds())
            environment = {**endpoint.environment, **commands.environment(cell, root)}
            with endpoint.watching("OptOutSpeaker") as writes:
                ran = process.run(commands.command(cell, root), cwd=root, environment=environment, timeout=timeout)
            told = {**reading.told(cell, root, ran), **writes.told()}
            found = _result(cell, root, ran, endpoint, before, told)
            if not loads:
                return found
            loads.append(_load(cell, root, timeout))
            return replace(found, told={**told, "load": statistics.mean(loads)})
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _is_compared_with_loading(cell: Cell) -> bool:
    phases = (Phase.PREVIEW, Phase.ADD, Phase.APPLY)
    return cell.people >= FULL and cell.phase in phases and PEERS[cell.peer].kind is Kind.OPTOUT


def _load(cell: Cell, root: Path, timeout: float) -> float:
    """Return the processor seconds of loading the register alone.

    It is measured right before and after what is compared, because a machine may be half as fast a minute later.
    """
    alone = Cell("register-bare", cell.people, Phase.LOAD)
    ran = process.run(commands.command(alone, root), cwd=root, environment=os.environ, timeout=timeout)
    return reading.told(alone, root, ran)["cpu"]


def _served(cell: Cell, work: Path) -> Result:
    """Measure the service alone, in a process of its own: all that follow begin as copies of this one."""
    found: Result = import_module("benchmarks.service_scale").measure(cell, work)
    return found


def _prepare(cell: Cell, made: Bases, work: Path) -> Path:
    """Fill the folder; returns that of the project."""
    peer, root = PEERS[cell.peer], work / "project"
    listed = cell.people + (cell.phase in ONE_MORE)
    if cell.phase not in (Phase.UP, Phase.LOAD, Phase.EDIT):
        made.service(cell.people, work / "service")
    if cell.phase is Phase.START:
        made.project(PEERS[BASELINE], cell, root, work / "service")
        bases.sandbox(work / "sandbox", cell.people)
    elif peer.kind in (Kind.REGISTER, Kind.TURNS):
        people.make(root, 0)
        (people.write_full if peer.name.endswith("full") else people.write)(root, cell.people)
    elif cell.phase is Phase.REPORT:
        bases.history(root, peer, cell.people)
    elif peer.kind in (Kind.LOOP, Kind.RAW):
        root.mkdir()
        bases.list_people(root, listed)
    elif cell.phase is Phase.UP:
        bases.project(peer, cell.people, root, paced=cell.quotas is Quotas.AWS)
    else:
        made.project(peer, cell, root, work / "service")
        if peer.kind is Kind.TEXTBOOK:
            bases.list_people(root, listed, DOMAIN)
        else:
            people.write(root, listed)
    return root


def _result(
    cell: Cell, root: Path, ran: process.Run, endpoint: Endpoint, before: Before, told: Mapping[str, float]
) -> Result:
    busy = process.busy_seconds() - before.busy
    calls, throttled = endpoint.counts()
    spent = round(endpoint.processor_seconds() - before.spent, 3)
    state = next(iter((root / "state").glob(f".pulumi/stacks/*/{STACK}.json")), None)
    step = max(1, cell.people // _PLANTED)
    planted = {people.speaker_id(number).encode() for number in range(0, cell.people, step)[:_PLANTED]}
    return Result(
        cell=cell,
        date=datetime.now(UTC).date().isoformat(),
        outcome=reading.outcome(ran),
        wall=round(ran.wall, 3),
        cpu=round(ran.cpu, 3),
        service=spent,
        peak=ran.peak,
        tree=ran.tree,
        calls={name: more for name, count in calls.items() if (more := count - before.calls.get(name, 0))},
        throttled=throttled,
        state=state.stat().st_size if state else 0,
        exposed=reading.shown_in(state, planted) if state else 0,
        told=told,
        others=round(max(0.0, busy - ran.cpu - spent), 2),
    )
