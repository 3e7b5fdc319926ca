"""CHANGELOG.md from the fragments: the section of the next version is written anew each time, until the release."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHANGELOG = ROOT / "CHANGELOG.md"
_HEADING = re.compile(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", re.MULTILINE)


def version(root: Path = ROOT) -> str:
    """Return the version: pyproject.toml is the only place that has it."""
    with (root / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def section(text: str, wanted: str) -> str | None:
    """Return what a changelog says of a version, with the heading; None if it has none."""
    headings = list(_HEADING.finditer(text))
    for place, heading in enumerate(headings):
        if heading[1] == wanted:
            end = headings[place + 1].start() if place + 1 < len(headings) else len(text)
            return text[heading.start() : end].rstrip() + "\n"
    return None


def without(text: str, unwanted: str) -> str:
    """Return the changelog without a version."""
    found = section(text, unwanted)
    return text if found is None else text.replace(found, "", 1).rstrip() + "\n"


def write(*, keep: bool) -> None:
    """Write the section of the version; the fragments stay if ``keep``."""
    text = without(CHANGELOG.read_text(encoding="utf-8"), version())
    # towncrier adds to what follows its mark, and wants a line there.
    CHANGELOG.write_text(text if text.endswith("\n\n") else f"{text}\n", encoding="utf-8")
    today = datetime.now(UTC).date().isoformat()
    command = [sys.executable, "-m", "towncrier", "build", "--version", version(), "--date", today]
    subprocess.run([*command, "--keep" if keep else "--yes"], cwd=ROOT, check=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--notes"]:
        print(section(CHANGELOG.read_text(encoding="utf-8"), version()) or sys.exit("no section"), end="")
    else:
        write(keep=sys.argv[1:] != ["--release"])
