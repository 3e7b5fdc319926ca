"""`optout show`, `label` and `who`: one person, and no identifier unless it is asked for."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.cli.projects import DOMAIN, label_of
from tests.evidence.repositories import Repo
from voiceid_optout.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.projects import Project

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs Git")
PLANTED = "caller-4711-planted"
LABEL = label_of(DOMAIN, PLANTED)


@pytest.fixture
def repo(project: Project) -> Repo:
    """A repository where the planted person stands in a file's name, in messages and in the author's name too."""
    repo = Repo(project.root).start()
    repo.environment["GIT_AUTHOR_NAME"] = f"Ann {PLANTED}"
    project.people(PLANTED, "caller-2")
    (project.root / "config" / "people.yaml").rename(project.root / "config" / f"{PLANTED}.yaml")
    repo.commit(f"Add {PLANTED} (#7)")
    return repo


def show(project: Project, *words: str, code: int = 0, answer: str = "") -> str:
    result = project.run("show", *words, "--stack", "test", "--offline", answer=answer)
    assert result.exit_code == code, result.output
    assert PLANTED not in result.output
    return result.output


@pytest.mark.parametrize("form", ["text", "json", "html"])
def test_a_story_names_nobody(project: Project, repo: Repo, form: str) -> None:
    for who, answer in ((LABEL, ""), ("-", f"{PLANTED}\n"), (PLANTED, "")):
        shown = show(project, who, "--format", form, answer=answer)
        assert LABEL in shown
        assert "config/….yaml:3" in shown
        assert "Ann …" in shown


def test_with_reveal_it_names_the_one_who_was_asked_for(project: Project, repo: Repo) -> None:
    result = project.run("show", LABEL, "--stack", "test", "--offline", "--reveal", "--format", "json")
    (person,) = json.loads(result.stdout)["people"]
    assert person["speaker_id"] == PLANTED
    assert "caller-2" not in result.output


def test_who_was_taken_out_is_found_by_id_and_by_label(project: Project, repo: Repo) -> None:
    (project.root / "config" / f"{PLANTED}.yaml").unlink()
    project.people("caller-2")
    out = repo.commit("Take one out")
    for who in (LABEL, PLANTED):
        (person,) = json.loads(show(project, who, "--format", "json"))["people"]
        assert (person["listed"], person["since"]) == (None, None)
        assert [(one["what"], one["merge"]) for one in person["moments"]][1:] == [("taken out", out)]


def test_who_is_not_committed_yet_is_shown_as_that(project: Project, repo: Repo) -> None:
    (project.root / "config" / "new.yaml").write_text(f"domain: {DOMAIN}\nspeakers: [caller-3]\n", encoding="utf-8")
    assert "opted out, config/new.yaml:2, not committed yet" in show(project, "caller-3")


@pytest.mark.parametrize("who", ["caller-4711-nobody", "sp-0000000000000000"])
def test_nobody_found_is_an_error_without_the_id(project: Project, repo: Repo, who: str) -> None:
    said = show(project, who, code=ExitCode.FAILED)
    assert "is in the register, or was as far as Git tells" in said
    assert "caller-4711" not in said


@pytest.mark.parametrize("who", ["not an id!", "", f"{PLANTED} {PLANTED}"])
def test_what_is_no_id_is_refused_without_it(project: Project, who: str) -> None:
    for command in ("show", "label", "who"):
        result = project.run(command, "--stack", "test", "-", answer=f"{who}\n")
        assert result.exit_code == ExitCode.USAGE
        assert PLANTED not in result.output


def test_without_git_it_is_said_and_the_rest_is_told(project: Project) -> None:
    project.people(PLANTED)
    said = show(project, PLANTED)
    assert "no Git history here" in said
    assert LABEL in said


def test_a_file_is_for_its_owner_alone(project: Project, repo: Repo, tmp_path: Path) -> None:
    target = tmp_path / "story.html"
    assert show(project, LABEL, "--output", str(target)) == ""
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert PLANTED not in target.read_text(encoding="utf-8")
    assert "cannot write" in show(project, LABEL, "--output", str(target / "such.txt"), code=ExitCode.FAILED)


def test_a_service_that_does_not_answer_ends_it_with_a_way_on(project: Project, repo: Repo) -> None:
    project.configure(domain=DOMAIN, domains={"sandbox": DOMAIN}, region="us-east-1", endpoint="http://127.0.0.1:9")
    result = project.run(
        "show", LABEL, "--stack", "test", AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_MAX_ATTEMPTS="1"
    )
    assert result.exit_code == ExitCode.FAILED
    assert "--offline leaves the service out" in result.output
    assert PLANTED not in result.output


def test_a_remote_backend_s_runs_are_not_here(project: Project, repo: Repo) -> None:
    result = project.run("show", LABEL, "--stack", "test", "--offline", PULUMI_BACKEND_URL="s3://bucket")
    assert "the state is in a remote backend" in result.output


def test_label_prints_the_label_of_who_is_listed_and_who_is_not(project: Project) -> None:
    project.people(PLANTED)
    for who in (PLANTED, "caller-99"):
        result = project.run("label", "-", "--stack", "test", answer=f"{who}\n")
        assert (result.exit_code, result.output) == (0, f"{label_of(DOMAIN, who)}\n")
    assert project.run("label", LABEL, "--stack", "test").exit_code == ExitCode.USAGE


def test_who_prints_the_place_and_the_id_when_it_is_asked_for(project: Project) -> None:
    project.people("caller-2", PLANTED)
    assert project.run("who", LABEL, "--stack", "test").output == "config/people.yaml:4\n"
    assert project.run("who", LABEL, "--stack", "test", "--reveal").output == f"config/people.yaml:4  {PLANTED}\n"
    gone = project.run("who", "sp-0000000000000000", "--stack", "test")
    assert (gone.exit_code, "`optout show` looks in the past too" in gone.output) == (ExitCode.FAILED, True)
