"""Several commands in turn, so that other work on the machine meets all of them.

``python -m benchmarks.turns start ROOT SANDBOX`` starts what has to start before anything is done for ten people:
what a program of Pulumi imports, the help of ``optout``, an unchanged preview, and one of a sandbox with its
service. ``edit ROOT`` checks and changes a register of one file. Printed is JSON: for each command the processor
seconds of all its processes and, by the name of :func:`seconds`, those on the clock; both the median of the rounds.
Of a start also the processor seconds of deriving a key.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import process
from benchmarks.people import STACK, speaker_id
from voiceid_optout.state import passphrase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

IMPORT, HELP, COLD, SANDBOX = "import-pulumi", "help", "preview", "preview-with-service"
KEY = "key"  # to derive it from a passphrase: part of what a preview takes
VALIDATE, ADD, RELEASE = "validate", "add", "release"
ROUNDS = {"start": 5, "edit": 1}
_TIMEOUT = 600.0  # seconds


def seconds(name: str) -> str:
    """Return the name of the seconds on the clock of a command."""
    return f"{name}-seconds"


def optout() -> str:
    """Return the command as it is installed beside this Python."""
    return str(Path(sys.executable).with_name("optout"))


def in_turn(commands: Mapping[str, Callable[[], process.Run]], rounds: int) -> dict[str, float]:
    """Run all so many times; returns the medians. Raises SystemExit with what a command that failed said."""
    found: dict[str, list[process.Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            ran = command()
            if ran.status:
                raise SystemExit(f"error: {name} ended with {ran.status}: {(ran.err or ran.out)[-1000:]}")
            found[name].append(ran)
    told = {}
    for name, runs in found.items():
        told[name] = statistics.median(ran.cpu for ran in runs)
        told[seconds(name)] = statistics.median(ran.wall for ran in runs)
    return told


def start(root: Path, sandbox: Path) -> dict[str, float]:
    """Run what starts; ``root`` and ``sandbox`` are projects to which everything has been applied."""
    there = dict(os.environ)
    alone = {name: value for name, value in there.items() if not name.startswith(("AWS_", "PULUMI_", "OPTOUT_"))}

    def ran(cwd: Path, environment: Mapping[str, str], *command: str) -> Callable[[], process.Run]:
        return lambda: process.run(command, cwd=cwd, environment=environment, timeout=_TIMEOUT)

    found = in_turn(
        {
            IMPORT: ran(root, there, sys.executable, "-c", "import pulumi"),
            HELP: ran(root, there, optout(), "--help"),
            COLD: ran(root, there, optout(), "preview", "--stack", STACK, "--engine", "embedded"),
            SANDBOX: ran(sandbox, alone, optout(), "preview", "--stack", "local", "--engine", "embedded"),
        },
        ROUNDS["start"],
    )
    return {**found, KEY: statistics.median(_derived(number) for number in range(ROUNDS["start"]))}


def _derived(number: int) -> float:
    """Return the processor seconds of deriving a key that nobody has derived yet."""
    before = time.process_time()
    passphrase.create(f"passphrase {number}")
    return time.process_time() - before


def edit(root: Path) -> dict[str, float]:
    """Check and change the register of ``root``; each command begins with the same file."""
    file = root / "config" / "people.yaml"
    before = file.read_bytes()
    first = before[: before.index(b"\n")].split()[-1].decode()

    def ran(*command: str) -> Callable[[], process.Run]:
        def once() -> process.Run:
            file.write_bytes(before)
            return process.run([optout(), *command], cwd=root, environment=os.environ, timeout=_TIMEOUT)

        return once

    commands: Mapping[str, Sequence[str]] = {
        VALIDATE: ("validate", "--stack", STACK),
        ADD: ("add", speaker_id(before.count(b"\n")), "--file", str(file)),
        RELEASE: ("release", first, "--reason", "consented again"),
    }
    return in_turn({name: ran(*command) for name, command in commands.items()}, ROUNDS["edit"])


def main(what: str, places: Sequence[str]) -> None:
    """Run and print."""
    roots = [Path(place) for place in places]
    print(json.dumps(start(*roots) if what == "start" else edit(*roots)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
