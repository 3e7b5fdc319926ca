"""Durable, signed OptOutSpeaker calls a second over HTTP connections that stay open, and how long one takes.

``python -m benchmarks.service [--requests N] [--rounds N] [--connections 64 16] [--processes N]`` starts ``optout
serve`` on a folder of its own and loads it from this process, on the same processors. Each round opts people out
who are all new, first as quickly as the answers come, then at half that rate, each request due at a time of its
own. Printed are answers a second, latencies, and processor time a request of the service and of the load, which
depends less on what else the machine does.

With a PostgreSQL URL in ``OPTOUT_DATABASE`` several services share that database.
"""

from __future__ import annotations

import argparse
import asyncio
import configparser
import gc
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvloop

from benchmarks.service_load import Result, Target, run
from voiceid_optout.service.data_folder import find

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[1]
REGION = "us-east-1"


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[Target, int]]:
    """Run the service in ``folder``; yields where it listens and its process id."""
    command = [
        sys.executable,
        "-m",
        "voiceid_optout",
        "serve",
        "--data",
        str(folder),
        "--port",
        "0",
        "--quotas",
        "none",
        *options,
    ]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise SystemExit("the service does not start")
            running = find(folder)
            if running is None:
                raise SystemExit("the service does not run")
            keys = configparser.ConfigParser()
            keys.read(running.credentials_file)
            key = keys["default"]
            place = urlsplit(running.url)
            yield (
                Target(
                    str(place.hostname),
                    int(place.port or 0),
                    REGION,
                    key["aws_access_key_id"],
                    key["aws_secret_access_key"],
                ),
                process.pid,
            )
        finally:
            process.terminate()


def processor_seconds(pid: int) -> float:
    """Return what a running process has used so far, its own threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(targets: list[Target], batches: list[list[bytes]], connections: int, rate: float | None) -> Result:
    """Load all services at once; returns what they did together."""
    share = rate / len(targets) if rate else None
    each = connections // len(targets)
    results = await asyncio.gather(
        *(run(target, batch, each, share) for target, batch in zip(targets, batches, strict=True))
    )
    whole = Result(seconds=max(result.seconds for result in results))
    for result in results:
        whole.latencies += result.latencies
        whole.failures += result.failures
    return whole


class Bench:
    """Services that run, and the people who have not been used yet."""

    def __init__(self, running: list[tuple[Target, int]], domains: list[str]) -> None:
        self._running, self._domains = running, domains
        self._used = 0

    def round(self, label: str, count: int, connections: int, rate: float | None = None) -> float:
        """Load once, print a line, and return the rate."""
        domain = self._domains[self._used]
        self._used += 1
        targets = [target for target, _ in self._running]
        size = count // len(targets)
        batches = [
            target.requests(domain, [f"caller-{place}-{number}" for number in range(size)])
            for place, target in enumerate(targets)
        ]
        gc.collect()
        before = sum(processor_seconds(pid) for _, pid in self._running), time.process_time()
        result = uvloop.run(load(targets, batches, connections, rate))
        service = sum(processor_seconds(pid) for _, pid in self._running) - before[0]
        own = time.process_time() - before[1]
        if result.failures:
            raise SystemExit(f"{len(result.failures)} calls failed, the first with: {result.failures[0]!r}")
        answers = len(result.latencies)
        print(
            f"{label:22} {connections:3} connections {result.rate:8,.0f} a second   "
            f"p50 {result.percentile(0.5):6.2f} ms  p99 {result.percentile(0.99):6.2f} ms  "
            f"most {result.percentile(1):6.1f} ms   processor: service {service / answers * 1e6:4.0f} µs, "
            f"load {own / answers * 1e6:4.0f} µs a request",
            flush=True,
        )
        return result.rate


def main() -> None:
    """Run the rounds that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=40_000, help="calls a round, at most 100,000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="+", default=[64, 16])
    parser.add_argument("--processes", type=int, default=1, help="services that share a PostgreSQL database")
    options = parser.parse_args()
    rounds = options.rounds * len(options.connections) * 2 + 1
    domains = [f"Benchmark{number:013}" for number in range(rounds)]
    made = [option for domain in domains for option in ("--domain", domain)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        running = [
            stack.enter_context(serving(Path(folder) / f"service-{number}", *made))
            for number in range(options.processes)
        ]
        bench = Bench(running, domains)
        bench.round("warming up", options.requests // 4, options.connections[0])
        for _ in range(options.rounds):
            for connections in options.connections:
                rate = bench.round("as quickly as it goes", options.requests, connections)
                bench.round("at half that rate", options.requests // 2, connections, rate / 2)


if __name__ == "__main__":
    main()
