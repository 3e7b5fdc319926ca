"""The benchmark itself, with so few people that it measures nothing: every kind of preparation and run works."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CELLS = (
    *("sharded/up", "sharded/refresh", "single/preview", "threads/up", "register-full/load"),
    *("raw/refresh", "turns/edit"),
)


def test_cells_of_every_kind_are_measured(tmp_path: Path) -> None:
    """The preparation of a refresh runs the engine without the command, which the others do not."""
    only = [word for key in CELLS for word in ("--only", f"{key}/10/none")]
    page = tmp_path / "page.md"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", *only, "--sizes", "10", "--rounds", "1"),
            *("--results", str(tmp_path / "results"), "--page", str(page)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" cpu s, ") + done.stdout.count(" cpu s, ") == len(CELLS)
    assert "failed:" not in page.read_text(encoding="utf-8")
