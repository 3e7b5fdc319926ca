from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from tests.cli.projects import DOMAIN, Project, label_of
from voiceid_optout.cli import completion
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def completed(*arguments: str, incomplete: str = "") -> list[tuple[str, str | None]]:
    found = ShellComplete(main, {}, "optout", "_OPTOUT_COMPLETE").get_completions(list(arguments), incomplete)
    return [(item.value, item.help) for item in found]


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ("bash", "complete -o nosort -F"),
        ("zsh", "#compdef optout"),
        ("fish", "complete --no-files --command optout"),
    ],
)
def test_each_shell_has_its_script(shell: str, words: str) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert words in result.stdout
    assert f"_OPTOUT_COMPLETE={shell}_complete" in result.stdout
    unnamed = CliRunner().invoke(main, ["completion"], env={"SHELL": f"/usr/bin/{shell}"})
    assert unnamed.stdout == result.stdout


def test_an_unknown_shell_is_asked_for() -> None:
    result = CliRunner().invoke(main, ["completion"], env={"SHELL": "/bin/csh"})
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr == "error: say for which shell: bash, zsh, fish\n"


def test_commands_and_stacks_are_completed(project: Project) -> None:
    project.configure(stack="production")
    assert [value for value, _ in completed(incomplete="pre")] == ["preview"]
    arguments = ["up", "--cwd", str(project.root), "--stack"]
    assert completed(*arguments) == [("production", None), ("test", None)]
    assert completed(*arguments, incomplete="p") == [("production", None)]


def test_labels_are_completed_with_their_lines_and_no_identifier(project: Project) -> None:
    (project.root / "config" / "caller-00001.yaml").write_text("speakers: [caller-00001]\n", encoding="utf-8")
    arguments = ["up", "--cwd", str(project.root), "--stack", "test", "--target"]
    found = completed(*arguments)
    assert found == [
        (label_of(DOMAIN, "caller-00001"), "config/….yaml:1"),
        (label_of(DOMAIN, "caller-1"), "config/people.yaml:3"),
        (label_of(DOMAIN, "caller-2"), "config/people.yaml:4"),
    ]
    label = found[1][0]
    assert completed(*arguments, incomplete=label[:8]) == [found[1]]


def test_where_something_is_wrong_no_label_is_completed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed("up", "--cwd", str(tmp_path), "--target") == []
    monkeypatch.setattr(completion, "MOST_BYTES", 10)
    assert completed("up", "--cwd", str(project.root), "--stack", "test", "--target") == []
