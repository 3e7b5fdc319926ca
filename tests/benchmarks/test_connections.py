import subprocess
import sys

from benchmarks.connections import WAYS
from benchmarks.people import PROJECT


def test_a_program_is_run_over_every_way() -> None:
    command = [sys.executable, "-m", "benchmarks.connections", "2", "1"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert not answer.stderr
    first, *ways = answer.stdout.splitlines()
    assert first.startswith("2 resources")
    assert [line.split()[0] for line in ways] == list(WAYS)
