import json
import subprocess
from pathlib import Path

from benchmarks import bases
from benchmarks.bases import engine_run
from benchmarks.cells import PEERS
from benchmarks.endpoint import service
from benchmarks.people import PROJECT


def test_a_run_tells_what_writing_took_and_a_preview_when_each_part_was_done(tmp_path: Path) -> None:
    root = tmp_path / "project"
    bases.project(PEERS["sharded"], 3, root, paced=False)
    with service(tmp_path / "service") as endpoint:
        told = {
            operation: json.loads(
                subprocess.run(
                    engine_run(operation, root),
                    cwd=PROJECT,
                    env=dict(endpoint.environment),
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout.splitlines()[-1]
            )
            for operation in ("up", "preview")
        }
    assert 0 < told["up"]["writing"] < told["up"]["run"]
    assert list(told["preview"].values()) == sorted(told["preview"].values())
    assert len(told["preview"]) == 7
