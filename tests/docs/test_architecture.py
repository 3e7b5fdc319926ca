"""The ways through the code name modules that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "voiceid_optout"
STEP = re.compile(r"^\d+\. .*(?:\n   .*)*", re.MULTILINE)
NAME = re.compile(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+)(?:\.[A-Za-z_]+)?`")


def exists(name: str) -> bool:
    """Tell whether a name is that of a module or of a folder, of the package or of the service's part of it."""
    return any((base / f"{name}{end}").exists() for base in (PACKAGE, PACKAGE / "service") for end in ("", ".py"))


def test_every_step_of_a_way_names_modules_that_exist() -> None:
    steps = STEP.findall((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    names = [name for step in steps for name in NAME.findall(step)]
    assert len(names) > 30
    assert [name for name in names if not exists(name)] == []
