from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.output import echo, styled
from voiceid_optout.state import StackLockedError

if TYPE_CHECKING:
    from tests.cli.projects import Project

EVIL = "a\x1b[2Jb\r\u202ec\n::add-mask::d\n  ::error::e ##[group]f"
SAFE = "ab\\x0d\\u202ec\n: :add-mask::d\n  : :error::e # #[group]f"


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    echo(EVIL)
    echo(EVIL, err=True, nl=False)
    assert capsys.readouterr() == (f"{SAFE}\n", SAFE)
    assert styled(EVIL, "red").plain == SAFE


@pytest.mark.parametrize("error", [CommandError(EVIL), StackLockedError(EVIL, EVIL, EVIL)])
def test_errors(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), reported():
        raise error
    said = capsys.readouterr().err
    assert SAFE in said
    assert "\x1b" not in said


def test_a_file_of_the_register_with_a_name_for_the_runner(project: Project) -> None:
    (project.root / "config" / "people.yaml").unlink()
    (project.root / "config" / "a\n::add-mask::x\x1b[2J.yaml").write_text("speakers: [1]\n", encoding="utf-8")
    for words in (["validate"], ["validate", "--format", "github"], ["preview", "--stack", "test"]):
        result = project.run(*words)
        assert "add-mask" in result.output
        assert all(line.isprintable() for line in result.output.splitlines())
        assert not [line for line in result.output.splitlines() if line.startswith("::add-mask")]


def test_an_alias_for_the_runner(project: Project) -> None:
    project.configure(domain="x", domains={"sandbox": "UcUuCPFOsAjzg9xoByUatN", "\n::add-mask::x\x1b[2J": "y" * 22})
    project.people("caller-1", domain="quite-another")
    result = project.run("validate")
    assert "it defines : :add-mask::x[2J, sandbox" in result.stdout
    assert all(line.isprintable() for line in result.output.splitlines())


def test_usage_errors(project: Project) -> None:
    result = project.run("preview", "--stack", "a", "--format", EVIL)
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert not [line for line in result.output.splitlines() if line.startswith("::")]
