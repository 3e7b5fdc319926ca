"""Runs the embedded engine in a process of its own, to be interrupted or killed: ROOT OPERATION OPTIONS.

Each warning is a line as it comes, the outcome is JSON in the last one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.engine.bench import Bench

if TYPE_CHECKING:
    from pulumi.automation.events import EngineEvent


def main() -> None:
    root, operation, options = sys.argv[1:]
    ran = Bench(Path(root)).run(operation, say_warning, **json.loads(options))
    print(json.dumps({"result": ran.outcome.result, "errors": ran.errors, "said": ran.said("warning")}))


def say_warning(event: EngineEvent) -> None:
    said = event.diagnostic_event
    if said is not None and said.severity == "warning":
        print(said.message, flush=True)


if __name__ == "__main__":
    main()
