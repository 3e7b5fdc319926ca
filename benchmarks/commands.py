"""The command line of each peer for each phase."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from benchmarks import bases
from benchmarks.bases import CONNECTIONS, IDS
from benchmarks.cells import PEERS, Cell, Kind, Phase
from benchmarks.people import DOMAIN, PROJECT, STACK

if TYPE_CHECKING:
    from pathlib import Path

AWS_CLI = "OPTOUT_AWS_CLI"  # the Python that has awscli, as for `make test-clients`


def environment(cell: Cell, root: Path) -> dict[str, str]:
    """Return the variables that a peer needs beside those of the service."""
    if PEERS[cell.peer].kind in (Kind.OPTOUT, Kind.TEXTBOOK, Kind.TURNS):
        return {"PULUMI_BACKEND_URL": (root / "state").as_uri(), "PULUMI_STACK": STACK}
    return {}


def command(cell: Cell, root: Path) -> list[str]:
    """Return the command line of a peer."""
    peer, phase = PEERS[cell.peer], cell.phase
    if peer.kind is Kind.TURNS:
        more = [str(root.with_name("sandbox"))] if phase is Phase.START else []
        return [sys.executable, "-m", "benchmarks.turns", phase.value, str(root), *more]
    if peer.kind is Kind.TEXTBOOK or phase is Phase.APPLY:
        return _engine_alone(cell, root)
    if phase is Phase.REPORT:
        return [sys.executable, "-m", "benchmarks.report_run", "--json", "report.json", "--stack", STACK]
    if peer.kind is Kind.OPTOUT:
        return _optout(cell)
    if peer.kind is Kind.RAW:
        if phase is Phase.REFRESH:
            return [sys.executable, "-m", "benchmarks.load", "pages"]
        return [sys.executable, "-m", "benchmarks.load", "opt-out", str(cell.people), str(CONNECTIONS)]
    if peer.kind is Kind.REGISTER:
        return [sys.executable, "-m", "benchmarks.register_load", str(root)]
    return _loop(cell)


def _optout(cell: Cell) -> list[str]:
    peer, phase = PEERS[cell.peer], cell.phase
    if phase is Phase.DIFF and peer.engine == "pulumi":
        return ["pulumi", "preview", "--diff", "--non-interactive", "--color", "never"]
    words = {
        Phase.UP: ["up", "--yes"],
        Phase.PREVIEW: ["preview", "--no-refresh"],
        Phase.ADD: ["up", "--yes", "--no-refresh"],
        Phase.DIFF: ["preview", "--no-refresh", "--event-log", "events.jsonl"],
        Phase.REFRESH: ["refresh"],
    }
    return [sys.executable, "-m", "voiceid_optout", *words[phase], "--stack", STACK, "--engine", peer.engine]


def _loop(cell: Cell) -> list[str]:
    peer, phase = PEERS[cell.peer], cell.phase
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
