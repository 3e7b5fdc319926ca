"""Render a real ``optout up`` as a picture: ``python tools/picture.py OUT.svg``.

The command runs on a copy of the project in a temporary folder, so the picture shows what a newcomer sees.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

COPIED = ("Pulumi.yaml", "Pulumi.local.yaml", "__main__.py", "config")
WIDTH = 112


def main(target: Path) -> None:
    """Run the command and write the picture."""
    project = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        for name in COPIED:
            source = project / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, Path(folder) / name)
        # Colours as on a terminal, but each line once: no moving cursor in a picture.
        environment = {**os.environ, "FORCE_COLOR": "1", "TTY_INTERACTIVE": "0", "COLUMNS": str(WIDTH)}
        command = [sys.executable, "-m", "voiceid_optout", "up", "--yes", "--engine", "embedded"]
        shown = ["make up", *_lines(command, folder, environment)]
        again = ["", "make up", *_lines(command, folder, environment)]
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line in [*shown, *again]:
        text = Text.assemble(("$ ", "bold"), (line, "bold")) if line == "make up" else Text.from_ansi(line)
        console.print(text)
    target.parent.mkdir(parents=True, exist_ok=True)
    picture = console.export_svg(title="voiceid-optout", unique_id="up")
    # Fonts of the reader's machine only: a picture in a README fetches nothing.
    target.write_text(re.sub(r',\s*url\("https:[^)]*\)\s*format\("\w+"\)', "", picture), encoding="utf-8")


def _lines(command: list[str], folder: str, environment: dict[str, str]) -> list[str]:
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return answer.stdout.rstrip().splitlines()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
