"""Runs one operation on a bench's project in a process of its own: ``ROOT OPERATION [LARGEST FILE IN BYTES]``."""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from tests.engine.bench import Bench


def main() -> None:
    bench = Bench(Path(sys.argv[1]))
    if len(sys.argv) > 3:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # Only the soft limit: the sample's provider lifts it for itself, its cloud has room.
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    ran = bench.run(sys.argv[2])
    print(ran.outcome.result.value)
    print(ran.errors)


main()
