"""The register alone: ``python -m benchmarks.register_load ROOT`` loads that of a project; prints JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.people import DOMAIN
from optout.register import load


def main(root: Path) -> None:
    """Load and print the seconds it took, imports aside, and the number of people."""
    started = time.perf_counter()
    register = load(root / "config", domains={}, default_domain=DOMAIN)
    print(json.dumps({"seconds": time.perf_counter() - started, "people": len(register.entries)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
