"""What the extra ``aws`` costs those who have it installed and no guardrails.

``make .aws-extra/.done && python -m benchmarks.extra [ROUNDS]`` runs ``optout up --stack local --yes``, which is
what ``make up`` does, from nothing: a new service, a new state. In turn with and without the extra's package on the
path, each pair in the other order than the one before. Printed are, for wall-clock time and for the processor time
of all processes, the medians and the median of the ratios of the pairs.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRA = ROOT / ".aws-extra"
PARTS = ("Pulumi.yaml", "Pulumi.local.yaml", "__main__.py", "config")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a run."""

    wall: float
    processor: float


def cost(extra: Path | None) -> Cost:
    """Run it once."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PULUMI_STACK")}
    environment["OPTOUT_ENGINE"] = "embedded"
    if extra is not None:
        environment["PYTHONPATH"] = str(extra)
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, Path(folder, part))
        command = [sys.executable, "-m", "voiceid_optout", "up", "--cwd", folder, "--stack", "local", "--yes"]
        used, started = processor(), time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        ended = time.perf_counter()
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return Cost(ended - started, processor() - used)


def processor() -> float:
    """Return the processor seconds of all children that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def main(rounds: int) -> None:
    """Run the pairs and print."""
    if not (EXTRA / ".done").exists():
        raise SystemExit("the extra is not there: run `make .aws-extra/.done`")
    for extra in (None, EXTRA):  # both ways once, so that nothing is compiled in the first pair
        cost(extra)
    pairs: list[tuple[Cost, Cost]] = []
    for number in range(rounds):
        if number % 2:
            having = cost(EXTRA)
            pairs.append((cost(None), having))
        else:
            without = cost(None)
            pairs.append((without, cost(EXTRA)))
    for kind in ("wall", "processor"):
        found = [(getattr(without, kind), getattr(having, kind)) for without, having in pairs]
        without, having = (statistics.median(each) for each in zip(*found, strict=True))
        ratio = statistics.median(having / without for without, having in found)
        print(
            f"{kind:>9}, {rounds} pairs: {without:.3f} s without the extra, {having:.3f} s with it, "
            f"ratio {ratio:.3f}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
