from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from voiceid_optout.engine import choose
from voiceid_optout.state import StackError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def with_cli(tmp_path: Path) -> dict[str, str]:
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": str(tmp_path)}


@pytest.fixture
def without_cli(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path)}


@pytest.mark.parametrize("name", [None, "auto", "pulumi"])
def test_takes_the_cli_where_it_is_on_path(name: str | None, with_cli: dict[str, str]) -> None:
    assert choose(name, with_cli).name == "pulumi"


@pytest.mark.parametrize("name", [None, "auto", "embedded"])
def test_does_without_the_cli(name: str | None, without_cli: dict[str, str]) -> None:
    assert choose(name, without_cli).name == "embedded"


def test_embedded_is_taken_even_beside_the_cli(with_cli: dict[str, str]) -> None:
    assert choose("embedded", with_cli).name == "embedded"


def test_says_what_to_do_without_the_cli(without_cli: dict[str, str]) -> None:
    with pytest.raises(StackError, match=r"not on PATH: install it .* --engine embedded"):
        choose("pulumi", without_cli)


def test_refuses_other_names(with_cli: dict[str, str]) -> None:
    with pytest.raises(StackError, match="'terraform' is no engine: choose pulumi, embedded or auto"):
        choose("terraform", with_cli)


@pytest.mark.parametrize(
    ("name", "unwanted"),
    [("embedded", "voiceid_optout.engine.official"), ("pulumi", "voiceid_optout.engine.embedded")],
)
def test_loads_only_the_chosen_engine(name: str, unwanted: str, with_cli: dict[str, str]) -> None:
    program = (
        "import sys\nfrom voiceid_optout.engine import choose\n"
        f"choose({name!r}, {with_cli!r})\n"
        f"print([item for item in sys.modules if item.startswith({unwanted!r})])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
