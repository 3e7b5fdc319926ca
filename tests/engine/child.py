"""Runs the embedded engine in a process of its own, to be interrupted or killed: ROOT OPERATION OPTIONS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.engine.bench import Bench


def main() -> None:
    root, operation, options = sys.argv[1:]
    ran = Bench(Path(root)).run(operation, **json.loads(options))
    print(json.dumps({"result": ran.outcome.result, "errors": ran.errors, "said": ran.said("warning")}))


if __name__ == "__main__":
    main()
