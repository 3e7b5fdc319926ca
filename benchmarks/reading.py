"""What is read from the output of a run."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from benchmarks.cells import Cell, Phase
from benchmarks.results import DONE

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from benchmarks.process import Run

_PIECE = 1 << 20  # bytes


def outcome(ran: Run) -> str:
    """Return ``done``, or the line that says best why not."""
    if ran.status == 0:
        return DONE
    if ran.status is None:
        return "took too long and was ended"
    lines = [line.strip() for line in f"{ran.out}\n{ran.err}".splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "Exception" in line or line.startswith("error")]
    return f"failed: {(telling or lines or ['without a word'])[-1][:200]}"


def told(cell: Cell, root: Path, ran: Run) -> dict[str, float]:
    """Return what the program measured of itself, by name; nothing if it says nothing."""
    if cell.phase is Phase.DIFF:
        return _shown(root, ran.out)
    with suppress(ValueError, IndexError):
        found = json.loads(ran.out.splitlines()[-1])
        return {name: round(value, 4) for name, value in found.items() if isinstance(value, int | float)}
    return {}


def shown_in(state: Path, planted: Collection[bytes]) -> int:
    """Return how many of these texts a file has, read piece by piece.

    What is measured begins as a copy of this process, and would be found as large as it.
    """
    found: set[bytes] = set()
    longest, rest = max(map(len, planted)), b""
    with state.open("rb") as file:
        while piece := file.read(_PIECE):
            text = rest + piece
            found.update(one for one in planted if one in text)
            rest = text[-longest:]
    return len(found)


def _shown(root: Path, out: str) -> dict[str, float]:
    """Return how many people a plan with one more shows as lines, and how many resources it changes."""
    log = root / "events.jsonl"
    if not log.exists():
        lines = [line.strip() for line in out.splitlines()]
        return {
            "lines": sum(line.startswith("+ ") for line in lines),
            "resources": sum(line.startswith(("+ pulumi", "~ pulumi", "- pulumi")) for line in lines),
        }
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    rows = sum(" + " in f" {line.strip()}" and "sp-" in line for line in out.splitlines())
    return {"lines": rows, "resources": sum(step["op"] not in ("same", "read", "refresh") for step in steps)}
