"""What the Pulumi CLI saves on the way of a first run, and what it takes to do without.

``python -m benchmarks.checkpoints [PEOPLE [GROUPING]]`` registers so many people (1,000) with the CLI on PATH, each
way from an empty state: one resource a person and shards, with and without PULUMI_SKIP_CHECKPOINTS. The run without
comes first, and opts everybody out for the one with: the gain is more than it says. Printed: seconds and ratios.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks import people
from benchmarks.endpoint import service
from voiceid_optout.engine import program_providers
from voiceid_optout.engine.interface import Operation, Result
from voiceid_optout.engine.official import OfficialEngine
from voiceid_optout.engine.official.command import SKIP


def first_run(root: Path, environment: dict[str, str]) -> float:
    """Do it; returns its seconds."""
    started = time.perf_counter()
    outcome = OfficialEngine(program_providers).run(Operation.UP, people.request(root, environment), lambda _: None)
    if outcome.result is not Result.SUCCEEDED:
        raise SystemExit("\n".join(outcome.errors))
    return time.perf_counter() - started


def main(count: int, groupings: list[str]) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name, service(Path(name).resolve() / "service") as endpoint:
        for grouping in groupings:
            found = []
            for number, skip in enumerate(("true", "false")):
                root = people.make(Path(name).resolve() / f"{grouping}-{number}", count, grouping=grouping)
                found.append(first_run(root, {**endpoint.environment, SKIP: skip}))
            without, saving = found
            print(f"{grouping}: {saving:.1f} s, without checkpoints {without:.1f} s, ratio {without / saving:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2:] or ["single", "sharded"])
