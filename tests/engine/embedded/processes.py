"""Engines in processes of their own, and who is alive in a project's folder."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.engine.bench import REPOSITORY, Bench

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 600.0  # seconds


def spawn(bench: Bench, operation: str = "up", **options: Any) -> subprocess.Popen[str]:
    """Start a run; see :mod:`tests.engine.child` for what it prints."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.engine.child", str(bench.root), operation, json.dumps(options)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(child: subprocess.Popen[str]) -> dict[str, str]:
    out, err = child.communicate(timeout=TIMEOUT)
    assert (child.returncode, err) == (0, ""), err
    found: dict[str, str] = json.loads(out.splitlines()[-1])
    return found


def wait_for(condition: Callable[[], object], child: subprocess.Popen[str] | None = None) -> None:
    """Wait until the condition holds; a ``child`` that ends before is a failure at once."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        assert child is None or child.poll() is None, child.communicate()
        time.sleep(0.005)


def calls(bench: Bench, method: str) -> list[str]:
    """Names of the resources a method was called for; the last line may still be being written."""
    path = bench.cloud / "calls.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return [call["name"] for call in map(json.loads, lines) if call["method"] == method]


def living(root: Path) -> list[int]:
    """Processes whose working directory is the project's: its programs and its plugins."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == root and "State:\tZ" not in (process / "status").read_text():
                found.append(int(process.name))
        except OSError:
            continue
    return found
