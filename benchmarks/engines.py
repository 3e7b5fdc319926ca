"""Both engines and the SDK's own floor, side by side.

``python -m benchmarks.engines [ROUNDS]`` makes stacks of 10 and of 1,000 people, one resource a person, and runs an
unchanged preview of each, every way in turn and each in a fresh process:

* ``embedded``: the embedded engine;
* ``pulumi``: the Pulumi CLI, where it is on PATH;
* ``floor``: the program alone under ``pulumi.runtime.set_mocks``: no engine, no plugin, no state.

Printed are medians in seconds, the ratios, what one more person costs (the difference of both sizes), when each
part of a small cold run is done, and the share of a first run that goes into writing the state.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import people
from benchmarks.endpoint import service
from benchmarks.people import PROJECT, STACK

SMALL, LARGE = 10, 1000
CHILD = [sys.executable, "-m", "benchmarks.engine_run"]
FLOOR = [sys.executable, "-m", "benchmarks.floor"]


def seconds(command: list[str], cwd: Path, environment: dict[str, str]) -> float:
    """Run a command that must end well; returns its wall-clock time."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - started


def told(arguments: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run an operation in a process of its own; returns what that tells."""
    done = subprocess.run(
        [*CHILD, *arguments], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    document: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return document


def preview(way: str, root: Path, environment: dict[str, str]) -> float:
    """Run one unchanged preview; returns its seconds, the start of the process included."""
    if way == "pulumi":
        variables = {**environment, "PULUMI_BACKEND_URL": f"file://{root / 'state'}", "PULUMI_STACK": STACK}
        return seconds(["pulumi", "preview", "--non-interactive", "--expect-no-changes"], root, variables)
    return seconds([*FLOOR, str(root)] if way == "floor" else [*CHILD, "preview", str(root)], PROJECT, environment)


def main(rounds: int) -> None:
    """Measure and print."""
    ways = ["embedded", "floor", *(["pulumi"] if shutil.which("pulumi") else [])]
    with tempfile.TemporaryDirectory() as folder, service(Path(folder).resolve() / "service") as endpoint:
        environment = dict(endpoint.environment)
        roots = {count: people.make(Path(folder).resolve() / str(count), count) for count in (SMALL, LARGE)}
        writing = {count: told(["up", str(root)], environment) for count, root in roots.items()}
        times: dict[tuple[str, int], list[float]] = {(way, count): [] for way in ways for count in roots}
        for _ in range(rounds):
            for (way, count), found in times.items():
                found.append(preview(way, roots[count], environment))
        timeline = told(["preview", str(roots[SMALL])], environment)
    medians = {key: statistics.median(found) for key, found in times.items()}
    print(f"unchanged preview, median of {rounds} rounds, on {os.cpu_count()} processors")
    print(f"{'':<10}{SMALL:>8} people{LARGE:>8} people   ms a person   ratio to embedded")
    each = {way: (medians[way, LARGE] - medians[way, SMALL]) / (LARGE - SMALL) * 1000 for way in ways}
    for way in ways:
        ratio = medians[way, LARGE] / medians["embedded", LARGE]
        print(
            f"{way:<10}{medians[way, SMALL]:>13.2f} s{medians[way, LARGE]:>13.2f} s{each[way]:>14.2f}{ratio:>20.2f}"
        )
    print(f"start-up aside: embedded / floor {each['embedded'] / each['floor']:.2f}")
    print(f"\n{SMALL} people, unchanged, cold: done after (s)")
    for what, when in timeline.items():
        print(f"  {when:6.2f}  {what}")
    print("\nfirst up: state and journal writing")
    for count, parts in writing.items():
        share = parts["writing"] / parts["run"]
        print(f"  {count:>5} people  {parts['writing']:.3f} s of {parts['run']:.2f} s: {share:.1%}")


if __name__ == "__main__":
    main(*(int(value) for value in [*sys.argv[1:], "5"][:1]))
