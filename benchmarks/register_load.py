"""The register alone: ``python -m benchmarks.register_load ROOT`` loads that of a project; prints JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.people import DOMAIN
from voiceid_optout.register import load


def main(root: Path) -> None:
    """Load and print the seconds it took, on the clock and of the processor, imports aside, and the people."""
    started, spent = time.perf_counter(), time.process_time()
    register = load(root / "config", domains={}, default_domain=DOMAIN)
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - spent}
    print(json.dumps({**took, "people": len(register.entries)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
