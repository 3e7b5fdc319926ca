"""What each part of the torture tests repeats: a few times in every run of them, many times in ``make torture``.

A test asks for its budget, draws everything random from ``Random(budget.seed)``, and writes down what it counted:

    budget = torture.budget("kills")
    dice = random.Random(budget.seed)
    ...
    budget.record(kills=killed, lost=0)

``OPTOUT_TORTURE`` is a folder: with it, the long counts are used and the records are written there, a file a part.
``OPTOUT_TORTURE_COUNTS`` (``kills=50,wire=1000``) replaces counts. ``OPTOUT_SEED`` repeats a run; without it each
run draws its own seed, and prints it.
"""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """A part of the torture: what it counts, how many in the short and the long form, and the tests that do it."""

    counts: str
    short: int
    long: int
    tests: str


_SERVICE_KILLS = "tests/service/test_kills.py::test_kills_of_the"
_FUZZ = "tests/torture/test_fuzz.py::test_mutated_files"
_MUTANTS = "tests/service/test_mutations.py"
PARTS = {
    "model": Part("runs of a stack against a model", 8, 5000, "tests/torture/test_model.py"),
    "races-sqlite": Part(
        "histories of calls about one person, at one process on SQLite",
        *(15, 1000, "tests/service/test_histories.py::test_on_sqlite_with_a_clock_that_jumps"),
    ),
    "races-postgres": Part(
        "histories of calls about one person, at two processes on PostgreSQL",
        *(15, 1000, "tests/service/test_histories.py::test_on_postgresql_with_two_processes_half_a_minute_apart"),
    ),
    "wire": Part("faulty replies on the wire", 300, 200_000, "tests/torture/test_wire.py"),
    "kills": Part("kills of engine, program, plugin, service and PostgreSQL", 3, 1000, "tests/e2e/test_kills.py"),
    "power": Part(
        "losses of power during runs", 400, 20_000, "tests/torture/test_power.py::test_power_lost_during_runs"
    ),
    "service-power": Part("losses of power of the service on SQLite", 200, 20_000, "tests/service/test_power.py"),
    "disk": Part("runs on a disk that fails", 10, 500, "tests/torture/test_disk.py"),
    "service-kills": Part("kills of the service under load", 3, 300, f"{_SERVICE_KILLS}_service_lose_nothing"),
    "postgresql-kills": Part(
        "kills of PostgreSQL under load", 2, 30, f"{_SERVICE_KILLS}_postgresql_server_lose_nothing"
    ),
    "registers": Part("mutated registers", 300, 100_000, f"{_FUZZ}[registers]"),
    "states": Part("mutated states and journals", 100, 20_000, f"{_FUZZ}[states]"),
    "files": Part("other mutated files", 210, 35_000, f"{_FUZZ}[files]"),
    "requests": Part("mutated requests", 1500, 100_000, f"{_MUTANTS}::test_no_mutant_harms_the_service"),
    "requests-postgresql": Part(
        "mutated requests, on PostgreSQL", 375, 25_000, f"{_MUTANTS}::test_no_mutant_harms_a_service_on_postgresql"
    ),
}


@dataclass(frozen=True)
class Budget:
    """How many times to do it, and the seed of everything random."""

    name: str
    count: int
    seed: int
    results: Path | None
    begun: float = field(default_factory=time.monotonic)

    def record(self, **counts: int) -> None:
        """Write down what was counted: names are words of the table in docs/reliability.md."""
        if self.results is None:
            return
        self.results.mkdir(parents=True, exist_ok=True)
        result: dict[str, object] = {"part": self.name, "asked": self.count, "seed": self.seed, "counts": counts}
        result["date"] = time.strftime("%Y-%m-%d", time.gmtime())
        result["seconds"] = round(time.monotonic() - self.begun, 1)
        (self.results / f"{self.name}.json").write_text(json.dumps(result) + "\n")


def count(name: str, *, long: bool) -> int:
    """Return how many times a part is to be done."""
    for item in filter(None, os.environ.get("OPTOUT_TORTURE_COUNTS", "").split(",")):
        if item.split("=")[0] == name:
            return int(item.split("=")[1])
    return PARTS[name].long if long else PARTS[name].short


def budget(name: str) -> Budget:
    """Return the budget of a part, and print it for who has to repeat a failure."""
    folder = os.environ.get("OPTOUT_TORTURE")
    times = count(name, long=bool(folder))
    seed = int(os.environ.get("OPTOUT_SEED") or random.SystemRandom().randrange(10**9))
    print(f"{name}: {times} {PARTS[name].counts}, OPTOUT_SEED={seed}")
    return Budget(name, times, seed, Path(folder) if folder else None)
