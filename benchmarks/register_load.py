"""The register alone, and its floor: ``python -m benchmarks.register_load ROOT`` loads that of a project.

Right before and after, the events of PyYAML's C parser are read over the same files and let go. Printed is JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from pathlib import Path

import yaml

from benchmarks.people import DOMAIN
from voiceid_optout.register import load


def main(root: Path) -> None:
    """Load and print the seconds it took, on the clock and of the processor, imports aside, and the people.

    ``events`` is the mean of the processor seconds of both floors.
    """
    before = events(root)
    started, spent = time.perf_counter(), time.process_time()
    register = load(root / "config", domains={}, default_domain=DOMAIN)
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - spent}
    people = len(register.entries)
    del register
    print(json.dumps({**took, "events": (before + events(root)) / 2, "people": people}))


def events(root: Path) -> float:
    """Return the processor seconds of the events of the register's files."""
    spent = time.process_time()
    for file in sorted((root / "config").glob("*.yaml")):
        deque(yaml.parse(file.read_bytes(), Loader=yaml.CSafeLoader), maxlen=0)
    return time.process_time() - spent


if __name__ == "__main__":
    main(Path(sys.argv[1]))
