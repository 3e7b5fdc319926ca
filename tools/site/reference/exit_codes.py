"""The exit codes: their numbers from the code, what they mean from the README, whose table the tests keep true."""

import re
from pathlib import Path

from tools.site.reference.tables import code, table
from voiceid_optout.cli.exit_codes import ExitCode

_HEAD = """# Exit codes

A script may rely on them; none is ever a count.
"""
_README = Path(__file__).parents[3] / "README.md"
_ROW = re.compile(r"^\| (\d+) \| (.+) \|$", re.MULTILINE)


def exit_codes_page() -> str:
    """Return one table; a code that the README does not explain is a KeyError."""
    text = _README.read_text(encoding="utf-8").partition("| exit code |")[2].split("\n\n")[0]
    meanings = {int(number): meaning.replace("](docs/", "](../") for number, meaning in _ROW.findall(text)}
    rows = [(str(each.value), code(each.name), meanings[each.value]) for each in ExitCode]
    return f"{_HEAD}\n{table(('code', 'name', 'means'), rows)}\n"
