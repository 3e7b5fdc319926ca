"""What `optout init` asks, and what it says where nobody can answer."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.cli.projects import DOMAIN
from tests.cli.test_init import PASSPHRASE, PIPELINE, REAL, run
from tests.cli.test_init_files import COMMIT
from voiceid_optout.cli import init
from voiceid_optout.cli.context import find, label_keys
from voiceid_optout.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nobody is here to ask for --endpoint (or --sandbox), --domain-id: pass what is missing"),
        (["--yes", *REAL, "--forge", "gitlab"], "nobody is here to ask for --workflows: pass what is missing"),
        (["a b", *REAL], "nobody is here to ask for --name: pass what is missing"),
        (["--sandbox", *REAL], "--sandbox brings a service of its own: leave --endpoint out"),
        (["--sandbox", "--name", "a\nb"], "--name: use letters, digits, `-`, `_` and `.`, at most 100 of them"),
        (["--upgrade"], "`optout init` has not made this folder"),
    ],
)
def test_what_is_missing_or_wrong_is_named_in_one_line(here: Path, words: list[str], said: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert list(here.iterdir()) == []


def test_without_a_passphrase_nothing_is_written(here: Path) -> None:
    result = run(*REAL, passphrase=None)
    assert result.exit_code == ExitCode.USAGE
    assert "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE" in result.stderr
    assert list(here.iterdir()) == []


def test_a_pipeline_belongs_to_the_root_of_a_repository_and_takes_its_branch(here: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "trunk"], cwd=here, check=True)
    refused = run("folder", *REAL, *PIPELINE)
    assert refused.exit_code == ExitCode.USAGE
    assert f"lies within the repository {here}" in refused.stderr
    assert run(*REAL, *PIPELINE).exit_code == ExitCode.DONE
    up = yaml.safe_load((here / ".github" / "workflows" / "up.yml").read_text())
    assert up[True]["push"]["branches"] == ["trunk"]


def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the answers on standard input come from a terminal."""
    monkeypatch.setattr(init, "_is_terminal", lambda: True)


def test_on_a_terminal_it_asks_for_what_no_option_says(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    given = ["https://voiceid.example.org", "", "short", DOMAIN, "", "", "github", f"e/v@{COMMIT}", "@e/privacy"]
    result = run(answer="\n".join([*given, "local", "rehearsal", "rehearsal"]) + "\n", passphrase=None)
    assert result.exit_code == ExitCode.DONE, result.stderr
    assert "Error: a domain's id has 22 letters and digits" in result.stderr
    assert "rehearsal" not in result.output
    assert result.stdout.splitlines()[1:] == [
        "Next:",
        "  export PULUMI_CONFIG_PASSPHRASE=...",
        "  optout doctor --stack production",
        "  optout up --stack production",
        "Keep the passphrase where others find it: without it nobody opens the state.",
        "Then commit everything. README.md says how to set up the pipeline.",
    ]
    context = find(here, "production", {"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE})
    assert label_keys(context, {}).current is not None
    assert (here / ".github" / "CODEOWNERS").read_text().count(" @e/privacy\n") == 7


def test_without_an_endpoint_it_is_a_sandbox_and_asks_for_little(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch)
    result = run(answer="\n\n\n", passphrase=None)
    assert result.exit_code == ExitCode.DONE, result.stderr
    assert result.stdout.endswith("Next: optout up\n")
    assert result.stderr.count(": ") == 4  # three questions, and "(empty: a sandbox)"
