"""What is seen while the tests run."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = {
    "test_one.py": "def test_a(): pass\ndef test_b(): pass\n",
    "test_two.py": "def test_c(): assert False\n",
}


def test_a_line_a_file_the_counts_and_each_failure(tmp_path: Path) -> None:
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "1",
        "-p",
        "tests.progress",
        "-p",
        "no:cacheprovider",
        "--tb=no",
    ]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", "-c", "/dev/null", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [re.sub(r"^ *(\d+:\d\d)? *", "", line) for line in done.stdout.splitlines()]
    expected = ["0 of 3  test_one.py", "2 of 3  test_two.py", "FAILED in call: test_two.py::test_c"]
    assert [line for line in lines if line in expected] == expected, done.stdout + done.stderr
    assert "1 failed, 2 passed" in done.stdout
