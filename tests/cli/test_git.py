"""What Git tells of a run and of somebody's line. Git is the real one, in a repository of each test's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.projects import DOMAIN, NAME, Project, label_of
from voiceid_optout.cli.git import Was, commit_of, last_commit, places, run_message
from voiceid_optout.speakers import LabelKeys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.engines import ScriptedEngine

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs Git")
COMMIT = "1" * 40
GONE = label_of(DOMAIN, "caller-2")


def git(project: Project, *arguments: str) -> str:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=project.root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(project: Project) -> str:
    if not (project.root / ".git").exists():
        git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", "change the register")
    return git(project, "rev-parse", "HEAD")


def applied(project: Project, commit: str) -> None:
    """Leave behind what a run of that commit leaves in the stack's history."""
    folder = project.state_folder / ".pulumi" / "history" / NAME / "test"
    folder.mkdir(parents=True)
    for number, message in ((1, "up: plan 00, commit " + "0" * 40), (2, f"up: plan 01, commit {commit}")):
        (folder / f"test-{number}.history.json").write_text(json.dumps({"message": message}), encoding="utf-8")


def test_a_line_not_yet_committed_away_is_in_the_present_commit(project: Project) -> None:
    head = commit(project)
    project.people("caller-1")
    assert places(project.context(), LabelKeys(), {GONE}) == {GONE: Was("config/people.yaml:4", head)}


def test_a_line_committed_away_is_in_the_commit_before(project: Project) -> None:
    before = commit(project)
    project.people("caller-1")
    commit(project)
    (project.root / "README.md").write_text("not about the register\n", encoding="utf-8")
    commit(project)
    assert places(project.context(), LabelKeys(), {GONE}) == {GONE: Was("config/people.yaml:4", before)}


def test_the_last_run_s_commit_knows_whom_later_ones_have_lost(project: Project) -> None:
    run = commit(project)
    for people in (["caller-1"], ["caller-1", "caller-5"], ["caller-1", "caller-6"]):
        project.people(*people)
        commit(project)
    assert places(project.context(), LabelKeys(), {GONE}) == {}
    applied(project, run)
    assert last_commit(project.context()) == run
    assert places(project.context(), LabelKeys(), {GONE}) == {GONE: Was("config/people.yaml:4", run)}


def test_a_register_in_a_folder_below_or_in_one_file_is_found_too(project: Project) -> None:
    (project.root / "lists").mkdir()
    register = project.root / "lists" / "main.yaml"
    register.write_text("speakers: [caller-1, caller-2]\n", encoding="utf-8")
    project.configure(domain=DOMAIN, register="lists/main.yaml")
    head = commit(project)
    register.write_text("speakers: [caller-1]\n", encoding="utf-8")
    assert places(project.context(), LabelKeys(), {GONE}) == {GONE: Was("lists/main.yaml:1", head)}


def test_a_register_that_had_faults_tells_nothing(project: Project) -> None:
    (project.root / "config" / "people.yaml").write_text("speakers: 7\n", encoding="utf-8")
    commit(project)
    assert places(project.context(), LabelKeys(), {GONE}) == {}


def test_without_git_or_a_repository_nothing_is_said(project: Project) -> None:
    assert places(project.context(PATH=""), LabelKeys(), {GONE}) == {}
    assert places(project.context(), LabelKeys(), {GONE}) == {}


@pytest.mark.parametrize("content", ["", "[]", '{"message": 7}', '{"message": "commit --output=x"}'])
def test_a_history_is_input(project: Project, content: str) -> None:
    applied(project, "0" * 40)
    for file in (project.state_folder / ".pulumi" / "history" / NAME / "test").iterdir():
        file.write_text(content, encoding="utf-8")
    assert last_commit(project.context()) == ""


def test_the_plan_s_row_shows_it_and_no_identifier(project: Project, engine: ScriptedEngine) -> None:
    head = commit(project)
    project.people("caller-1")
    engine.stream.step("delete", GONE)
    shown = project.run("preview", "--stack", "test").stdout
    assert shown.splitlines()[2] == (
        f"  · stop managing  {GONE}  was config/people.yaml:4 ({head[:7]})  "
        "no longer in the register; the opt-out stays in the service"
    )
    assert "caller-" not in shown
    document = json.loads(project.run("preview", "--stack", "test", "--json").stdout)
    assert [step["formerly"] for step in document["steps"]] == [f"config/people.yaml:4 ({head[:7]})"]


@pytest.mark.parametrize("name", ["GITHUB_SHA", "CI_COMMIT_SHA"])
def test_ci_tells_the_commit(tmp_path: Path, name: str) -> None:
    assert run_message("up", "abcdef" * 8, tmp_path, {name: COMMIT}) == (
        f"up: plan abcdefabcdefabcdefabcdefabcdefab, commit {COMMIT}"
    )


def test_elsewhere_git_does(tmp_path: Path) -> None:
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        identity = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert commit_of(tmp_path, {"PATH": "/usr/bin:/bin"}) == head.stdout.strip()


def test_without_a_repository_or_git_there_is_none(tmp_path: Path) -> None:
    assert run_message("destroy", "0" * 64, tmp_path, {"PATH": "/usr/bin:/bin"}) == f"destroy: plan {'0' * 32}"
    assert commit_of(tmp_path, {"PATH": str(tmp_path)}) == ""


def test_a_git_that_cannot_run_is_none(tmp_path: Path) -> None:
    broken = tmp_path / "git"
    broken.write_text("#!/nowhere\n", encoding="utf-8")
    broken.chmod(0o755)
    assert commit_of(tmp_path, {"PATH": str(tmp_path)}) == ""
