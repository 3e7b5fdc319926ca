"""The fast tests on other versions of Python, and with the oldest and the newest dependencies that are allowed.

A cell is a version of Python with the locked dependencies; ``lowest``, the oldest Python with the lowest versions
that pyproject.toml allows; or ``newest``, the newest Python with what an index has today.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
CELLS = (*VERSIONS, "lowest", "newest")
FOLDER = ROOT / ".matrix"
LOWEST = ROOT / "tools" / "lowest.txt"
SHORT = "not aws and not browser and not clients and not official and not package and not long and not whole"


def interpreter(version: str) -> str | None:
    """Return the Python of a version: one on PATH that works, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)]
    for candidate in filter(None, candidates):
        told = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if told.stdout.startswith(f"Python {version}."):
            return str(candidate)
    return None


def python_of(cell: str) -> tuple[str, str] | None:
    """Return the version and the interpreter of a cell; None if this machine has none."""
    wanted = {"lowest": VERSIONS[:1], "newest": VERSIONS[::-1]}.get(cell, (cell,))
    return next(((version, found) for version in wanted if (found := interpreter(version))), None)


def installs(cell: str) -> list[list[str]]:
    """Return the arguments of pip for a cell, one list a call."""
    ours = ["--no-deps", "--no-build-isolation", "--editable", "."]
    if cell == "newest":
        return [["--upgrade", ".[service,postgres]", "--group", "build", "--group", "test"], ours]
    lock = LOWEST if cell == "lowest" else ROOT / "requirements-dev.txt"
    return [["--require-hashes", "-r", str(lock)], ours]


def prepare(cell: str, interpreter_of_cell: str) -> str:
    """Make the cell's environment anew and return its Python."""
    folder = FOLDER / cell
    subprocess.run([interpreter_of_cell, "-m", "venv", "--clear", folder], check=True)
    python = str(folder / "bin" / "python")
    if cell == "newest":  # for --group
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--upgrade", "pip"], check=True)
    for arguments in installs(cell):
        command = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", *arguments]
        subprocess.run(command, cwd=ROOT, check=True)
    return python


def run(cell: str, arguments: list[str]) -> str:
    """Run the tests of a cell and return how they ended, in one line."""
    found = python_of(cell)
    if found is None:
        return "no such Python on this machine"
    version, path = found
    print(f"== {cell}: Python {version}", flush=True)
    try:
        python = prepare(cell, path)
    except subprocess.CalledProcessError as failed:
        return f"not installed: pip ended with {failed.returncode}"
    command = [
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *(arguments or ["--fast", "-m", SHORT, "-n", "2"]),
    ]
    # What a newer Python or library will remove one day is no fault of today's.
    command += ["-W", "default::DeprecationWarning", "-W", "default::PendingDeprecationWarning"]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return "passed" if code == 0 else f"failed: pytest ended with {code}"


def main(words: list[str]) -> int:
    """Run the cells that are named, all of them without a name; what follows ``--`` goes to pytest."""
    cells, _, arguments = words, None, []
    if "--" in words:
        place = words.index("--")
        cells, arguments = words[:place], words[place + 1 :]
    if unknown := [cell for cell in cells if cell not in CELLS]:
        print(f"No such cell: {', '.join(unknown)}. There are: {', '.join(CELLS)}", file=sys.stderr)
        return 2
    ends = {cell: run(cell, arguments) for cell in cells or CELLS}
    for cell, end in ends.items():
        print(f"{cell:8} {end}")
    absent = all(end.startswith("no such") for end in ends.values())
    return int(absent or any(end.startswith(("failed", "not installed")) for end in ends.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
