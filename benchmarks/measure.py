"""Runs a cell: prepares its folder and service, runs the peer, and collects what there is to know."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks import bases, people, process, quota
from benchmarks.bases import CONNECTIONS, IDS, Bases
from benchmarks.cells import DRIFTED, ONE_MORE, PEERS, Cell, Kind, Phase, Quotas
from benchmarks.endpoint import Endpoint, service
from benchmarks.people import DOMAIN, PROJECT, STACK
from benchmarks.results import DONE, Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

AWS_CLI = "OPTOUT_AWS_CLI"  # the Python that has awscli, as for `make test-clients`
_PLANTED = 100


@dataclass(frozen=True, slots=True)
class Before:
    """What the service had answered, and the processor seconds it had used, before a run."""

    calls: Mapping[str, int]
    spent: float


def measure(cell: Cell, made: Bases, work: Path, timeout: float) -> Result:
    """Run a cell once in the folder ``work``, which is emptied before and after."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        root = _prepare(cell, made, work)
        with service(work / "service", cell.quotas, cell.latency) as endpoint:
            if cell.phase is Phase.REFRESH:
                endpoint.enrol(people.speaker_id(DRIFTED * n) for n in range(quota.drifted(cell.people)))
            before, spent = endpoint.counts()[0], endpoint.processor_seconds()
            environment = {**endpoint.environment, **_environment(cell, root)}
            with endpoint.watching("OptOutSpeaker") as writes:
                ran = process.run(command(cell, root), cwd=root, environment=environment, timeout=timeout)
            told = {**_told(cell, root, ran), **writes.told()}
            return _result(cell, root, ran, endpoint, Before(before, spent), told)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _prepare(cell: Cell, made: Bases, work: Path) -> Path:
    """Fill the folder; returns that of the project."""
    peer, root = PEERS[cell.peer], work / "project"
    before = cell.people - (cell.phase in ONE_MORE)  # a full domain would take nobody more
    if cell.phase not in (Phase.UP, Phase.LOAD):
        made.service(before, work / "service")
    if peer.kind is Kind.REGISTER:
        people.make(root, 0)
        (people.write_full if peer.name.endswith("full") else people.write)(root, cell.people)
    elif peer.kind in (Kind.LOOP, Kind.RAW):
        root.mkdir()
        bases.list_people(root, cell.people)
    elif cell.phase is Phase.UP:
        bases.project(peer, cell.people, root, paced=cell.quotas is Quotas.AWS)
    else:
        made.project(peer, cell.at(before), root, work / "service")
        if peer.kind is Kind.TEXTBOOK:
            bases.list_people(root, cell.people, DOMAIN)
        else:
            people.write(root, cell.people)
    return root


def _environment(cell: Cell, root: Path) -> dict[str, str]:
    if PEERS[cell.peer].kind in (Kind.OPTOUT, Kind.TEXTBOOK):
        return {"PULUMI_BACKEND_URL": (root / "state").as_uri(), "PULUMI_STACK": STACK}
    return {}


def command(cell: Cell, root: Path) -> list[str]:
    """Return the command line of a peer."""
    peer, phase = PEERS[cell.peer], cell.phase
    if peer.kind is Kind.TEXTBOOK or phase is Phase.APPLY:
        return _engine_alone(cell, root)
    if peer.kind is Kind.OPTOUT:
        if phase is Phase.DIFF and peer.engine == "pulumi":
            return ["pulumi", "preview", "--diff", "--non-interactive", "--color", "never"]
        words = {
            Phase.UP: ["up", "--yes"],
            Phase.PREVIEW: ["preview", "--no-refresh"],
            Phase.ADD: ["up", "--yes", "--no-refresh"],
            Phase.DIFF: ["preview", "--no-refresh", "--event-log", "events.jsonl"],
            Phase.REFRESH: ["refresh"],
        }
        return [sys.executable, "-m", "optout", *words[phase], "--stack", STACK, "--engine", peer.engine]
    if peer.kind is Kind.RAW:
        return [sys.executable, "-m", "benchmarks.load", str(cell.people), str(CONNECTIONS)]
    if peer.kind is Kind.REGISTER:
        return [sys.executable, "-m", "benchmarks.register_load", str(root)]
    if peer.name == "aws-cli":
        script, operation = PROJECT / "benchmarks" / "peers" / "aws_cli.sh", "opt-out-speaker"
        if phase is Phase.REFRESH:
            operation = "describe-speaker"
        return ["sh", str(script), operation, DOMAIN, IDS, os.environ[AWS_CLI]]
    verb = "check" if phase is Phase.REFRESH else "opt-out"
    threads = str(CONNECTIONS) if peer.name == "threads" else "1"
    return [sys.executable, "-m", "benchmarks.peers.loop", verb, IDS, threads]


def _engine_alone(cell: Cell, root: Path) -> list[str]:
    """Return the command of an engine without ``optout`` around it: no plan before, no guard."""
    operation = "up" if cell.phase in (Phase.ADD, Phase.APPLY) else cell.phase.value
    if PEERS[cell.peer].engine == "embedded":
        return bases.engine_run(operation, root)
    yes = ["--yes", "--skip-preview"] if operation != "preview" else []
    return ["pulumi", operation, *yes, "--non-interactive", "--color", "never"]


def _result(
    cell: Cell, root: Path, ran: process.Run, endpoint: Endpoint, before: Before, told: Mapping[str, float]
) -> Result:
    calls, throttled = endpoint.counts()
    state = next(iter((root / "state").glob(f".pulumi/stacks/*/{STACK}.json")), None)
    text = state.read_bytes() if state else b""
    step = max(1, cell.people // _PLANTED)
    planted = [people.speaker_id(number).encode() for number in range(0, cell.people, step)][:_PLANTED]
    return Result(
        cell=cell,
        date=datetime.now(UTC).date().isoformat(),
        outcome=_outcome(ran),
        wall=round(ran.wall, 3),
        cpu=round(ran.cpu, 3),
        service=round(endpoint.processor_seconds() - before.spent, 3),
        peak=ran.peak,
        tree=ran.tree,
        calls={name: more for name, count in calls.items() if (more := count - before.calls.get(name, 0))},
        throttled=throttled,
        state=len(text),
        exposed=sum(one in text for one in planted),
        told=told,
    )


def _outcome(ran: process.Run) -> str:
    """Return ``done``, or the line that says best why not."""
    if ran.status == 0:
        return DONE
    if ran.status is None:
        return "took too long and was ended"
    lines = [line.strip() for line in f"{ran.out}\n{ran.err}".splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "Exception" in line or line.startswith("error")]
    return f"failed: {(telling or lines or ['without a word'])[-1][:200]}"


def _told(cell: Cell, root: Path, ran: process.Run) -> dict[str, float]:
    if cell.phase is Phase.DIFF:
        return _shown(root, ran.out)
    with suppress(ValueError, IndexError):
        found = json.loads(ran.out.splitlines()[-1])
        return {name: round(value, 4) for name, value in found.items() if isinstance(value, int | float)}
    return {}


def _shown(root: Path, out: str) -> dict[str, float]:
    """Return how many people a plan with one more shows as lines, and how many resources it changes."""
    log = root / "events.jsonl"
    if not log.exists():
        lines = [line.strip() for line in out.splitlines()]
        return {
            "lines": sum(line.startswith("+ ") for line in lines),
            "resources": sum(line.startswith(("+ pulumi", "~ pulumi", "- pulumi")) for line in lines),
        }
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    rows = sum(" + " in f" {line.strip()}" and "sp-" in line for line in out.splitlines())
    return {"lines": rows, "resources": sum(step["op"] not in ("same", "read", "refresh") for step in steps)}
