"""What runs begin with: a service that has everybody opted out, and projects with the state of that.

Each is made once a folder and size, and copied for every run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks import people
from benchmarks.cells import FULL, Cell, Kind, Peer, Quotas
from benchmarks.endpoint import service
from benchmarks.people import DOMAIN, PROJECT, STACK
from voiceid_optout.state.backend import Backend
from voiceid_optout.voiceid.settings import ClientSettings
from voiceid_optout.voiceid.settings import Quotas as ClientQuotas

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEXTBOOK = PROJECT / "benchmarks" / "peers" / "textbook"
IDS = "people.txt"
_TIMEOUT = 1800.0  # seconds
_OF_STACKS = ("AWS_", "PULUMI_", "OPTOUT_")  # beginnings of variables that lead elsewhere
# What our own client uses when no quota holds it back: the same for every peer that has connections.
CONNECTIONS = ClientSettings(None, "us-east-1", ClientQuotas(*[1e6] * 4)).connections


def peopled(cell: Cell) -> int:
    """Return how many speakers the domain of a cell holds in the end, or AWS's limit, if that is more."""
    return max(FULL, cell.people) + 1


class Bases:
    """The prepared folders; made when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._failed: dict[Path, SystemExit] = {}

    def service(self, count: int, to: Path) -> None:
        """Copy the data of a service that has so many people opted out."""
        base = self._folder / f"service-{count}"
        if not base.exists():
            with service(to):
                pass  # it makes the database and the domain
            _do([sys.executable, "-m", "benchmarks.service_fill", str(to), str(count)], PROJECT, os.environ)
            self._keep(to, base)
        else:
            shutil.copytree(base, to)

    def project(self, peer: Peer, cell: Cell, to: Path, data: Path) -> None:
        """Copy a project whose state says that everybody is opted out, as the service of ``data`` says.

        Made where it is run: pickled by value, as in the textbook, a provider changes with the path of its program.
        """
        base = self._folder / f"{peer.grouping or peer.kind.value}-{cell.people}-{cell.quotas.value}"
        if base.exists():
            shutil.copytree(base, to, symlinks=True)
            return
        if base in self._failed:  # the next cell that needs it would try for as long again
            raise self._failed[base]
        try:
            self._make(peer, cell, to, data)
        except SystemExit as error:
            self._failed[base] = error
            raise
        self._keep(to, base)

    def _make(self, peer: Peer, cell: Cell, to: Path, data: Path) -> None:
        # The state keeps the quotas of the last run. That of a paced one is made without, and paced afterwards.
        project(peer, cell.people, to, paced=False)
        with service(data, speakers=peopled(cell)) as endpoint:
            _do(engine_run("up", to), PROJECT, endpoint.environment)
            if cell.quotas is Quotas.AWS and peer.kind is Kind.OPTOUT:
                people.settle(to, grouping=peer.grouping, paced=True)
                _do(engine_run("up", to), PROJECT, endpoint.environment)

    def _keep(self, made: Path, base: Path) -> None:
        """Copy what was made, so that a copy that is cut short is not taken for a base."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = base.with_name(f"{base.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(made, draft, symlinks=True)
        draft.rename(base)


def project(peer: Peer, count: int, root: Path, *, paced: bool) -> None:
    """Write a project that has never been run."""
    if peer.kind is Kind.OPTOUT:
        people.make(root, count, grouping=peer.grouping, paced=paced)
        name = "voiceid-optout"
    else:
        shutil.copytree(TEXTBOOK, root, ignore=shutil.ignore_patterns("__pycache__"))
        (root / ".venv").symlink_to(sys.prefix)
        (root / f"Pulumi.{STACK}.yaml").write_text("config: {}\n", encoding="utf-8")
        (root / "state").mkdir()
        name = "textbook"
        list_people(root, count, DOMAIN)
    # The raw CLI asks for `stack init` where there is no state yet.
    Backend(root / "state", name, STACK).initialise()


def sandbox(root: Path, count: int) -> None:
    """Write a project whose service is started for each run, and opt everybody out in it."""
    people.make(root, count)
    shutil.copy(PROJECT / "Pulumi.local.yaml", root)
    command = [sys.executable, "-m", "voiceid_optout", "up", "--stack", "local", "--yes", "--engine", "embedded"]
    _do(command, root, {name: value for name, value in os.environ.items() if not name.startswith(_OF_STACKS)})


def history(root: Path, peer: Peer, count: int) -> None:
    """Write a project that is a repository with a history of so many people, in a process of its own."""
    people.make(root, 0, grouping=peer.grouping)
    _do([sys.executable, "-m", "benchmarks.people", str(root), str(count)], PROJECT, os.environ)


def list_people(root: Path, count: int, *before: str) -> None:
    """Write the ids, a line each, for peers that know no register."""
    with (root / IDS).open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in before)
        file.writelines(f"{people.speaker_id(number)}\n" for number in range(count))


def engine_run(operation: str, root: Path) -> list[str]:
    """Return the command that runs the embedded engine on any project."""
    return [sys.executable, "-m", "benchmarks.engine_run", operation, str(root)]


def _do(command: list[str], cwd: Path, environment: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        raise SystemExit(
            f"cannot prepare: {' '.join(command[1:4])} takes longer than {error.timeout:.0f} s"
        ) from None
    if done.returncode:
        raise SystemExit(f"cannot prepare: {' '.join(command[1:4])}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
