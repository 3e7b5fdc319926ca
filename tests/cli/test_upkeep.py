"""What `optout passphrase` refuses without a run; runs are in tests/e2e/cli/test_passphrase.py."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.projects import NAME, Project
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.upkeep import NEW_VARIABLE
from voiceid_optout.state.backend import Backend

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


OLD, NEW = "the old passphrase", "the new passphrase"


def rotated(stack: Project, old: str = OLD, new: str = NEW) -> Result:
    return stack.run(
        "passphrase", "rotate", PULUMI_CONFIG_PASSPHRASE=old, PULUMI_STACK="test", **{NEW_VARIABLE: new}
    )


@pytest.mark.parametrize(
    ("new", "said"), [("", "empty"), (" \n", "empty"), (OLD, "is the present one"), ("local", "everybody knows")]
)
def test_it_must_be_another_one(project: Project, new: str, said: str) -> None:
    result = rotated(project, new=new)
    assert result.exit_code == 2
    assert said in result.output


def test_where_there_is_none_to_change_it_says_why(project: Project) -> None:
    assert "nothing is sealed yet" in rotated(project).output
    project.configure(service="embedded")
    assert "sandbox" in rotated(project).output
    project.configure()
    result = project.run("passphrase", "rotate", PULUMI_BACKEND_URL="s3://bucket", PULUMI_STACK="test")
    assert "pulumi stack change-secrets-provider passphrase --stack test" in result.output


GONE_PID = 2**22 + 1  # above Linux's highest
HERE = socket.gethostname()


def lock(
    project: Project, pid: Any = GONE_PID, host: str = HERE, user: str = "sam", *, sidecar: bool = False
) -> Path:
    path = Backend(project.state_folder, NAME, "test").lock_folder / "a.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"pid": pid, "username": user, "hostname": host, "timestamp": "2026-03-02T10:00:00Z"}
    path.write_text(json.dumps(content), encoding="utf-8")
    if sidecar:
        path.with_name("a.json.attrs").write_text("{}", encoding="utf-8")
    return path


def test_who_holds_it_is_shown_and_the_lock_is_gone(project: Project) -> None:
    path = lock(project, host="runner-7", sidecar=True)
    result = project.run("unlock", "--stack", "test", "--yes")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert result.stdout.splitlines() == [
        f"Stack test is locked by sam@runner-7 (pid {GONE_PID}) since 2026-03-02T10:00:00Z.",
        "Unlocked stack test; the next run looks at what that one has done.",
    ]
    assert list(path.parent.iterdir()) == []
    again = project.run("unlock", "--stack", "test", "--yes")
    assert (again.exit_code, again.stdout) == (ExitCode.DONE, "Stack test is not locked.\n")


def test_the_lock_of_a_run_that_is_alive_here_needs_force(project: Project) -> None:
    path = lock(project, os.getpid())
    refused = project.run("unlock", "--stack", "test", "--yes")
    assert refused.exit_code == ExitCode.LOCKED
    assert refused.stderr == (
        f"error: process {os.getpid()} is alive on this machine: wait for that run, or end it. If it is another "
        "program that has got the number, --force removes the lock\n"
    )
    assert path.exists()
    assert project.run("unlock", "--stack", "test", "--yes", "--force").exit_code == ExitCode.DONE
    assert not path.exists()


def test_without_a_terminal_nobody_can_answer(project: Project) -> None:
    path = lock(project)
    result = project.run("unlock", "--stack", "test", answer="y\n")
    assert result.exit_code == ExitCode.USAGE
    assert "nobody is here to confirm: pass --yes" in result.stderr
    assert path.exists()


@pytest.mark.parametrize(("agrees", "code"), [(True, ExitCode.DONE), (False, ExitCode.USAGE)])
def test_it_asks(project: Project, monkeypatch: pytest.MonkeyPatch, code: ExitCode, *, agrees: bool) -> None:
    path = lock(project)
    monkeypatch.setattr("voiceid_optout.cli.upkeep.require_answer", lambda **_: None)
    monkeypatch.setattr("voiceid_optout.cli.upkeep.confirmed", lambda *_, **__: agrees)
    assert project.run("unlock", "--stack", "test").exit_code == code
    assert path.exists() is not agrees


@pytest.mark.parametrize("content", [b"", b"[]", b'{"pid": "x"}', b"\xff"])
def test_a_lock_that_cannot_be_read_can_be_removed(project: Project, content: bytes) -> None:
    path = lock(project)
    path.write_bytes(content)
    result = project.run("unlock", "--stack", "test", "--yes")
    assert result.exit_code == ExitCode.DONE
    assert "locked by someone@an unknown host (pid ?) since an unknown time" in result.stdout
    assert not path.exists()


def test_a_lock_moves_no_cursor(project: Project) -> None:
    lock(project, user="\x1b[2Jsam")
    assert "\x1b" not in project.run("unlock", "--stack", "test", "--yes").stdout


def test_a_remote_backend_s_lock_is_the_cli_s_own(project: Project) -> None:
    result = project.run("unlock", "--stack", "test", "--yes", PULUMI_BACKEND_URL="s3://key:secret@states/prefix")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == (
        "error: the state and its lock are in s3://states/prefix, where only the Pulumi CLI gets at them: "
        "run `pulumi cancel --stack test`\n"
    )


def test_a_locked_run_names_this_command(project: Project) -> None:
    lock(project, host="runner-7")
    result = project.run("up", "--stack", "test", "--yes", "--no-refresh")
    assert result.exit_code == ExitCode.LOCKED
    assert "If it is gone for good, run `optout unlock` for this stack; it removes " in result.stderr
