"""Addresses of the register's lines. Git is the real one, in a repository of each test's own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from tests.cli.projects import DOMAIN, Project, label_of
from tests.cli.test_git import commit, git
from tests.plan.plans import review, step
from tests.tables import each_row
from voiceid_optout.cli.links import Links, find
from voiceid_optout.plan import Action
from voiceid_optout.plan.render_markdown import render

if TYPE_CHECKING:
    from tests.cli.engines import ScriptedEngine

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs Git")
GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "example/register"}
GITLAB = {"CI_PROJECT_URL": "https://gitlab.example/a/b/register", "CI_PROJECT_PATH": "a/b/register"}
PLACE = "config/people.yaml:4"
LINKS = Links("https://github.com/example/register/blob", "", "1" * 40)


def unmasked(text: str) -> str:
    return text


def cloned(project: Project, origin: str = "https://github.com/example/register.git") -> str:
    head = commit(project)
    git(project, "remote", "add", "origin", origin)
    return head


def address(project: Project, **variables: str) -> str | None:
    found = find(project.context(**variables), unmasked)
    return None if found is None else found.to(PLACE)


@pytest.mark.parametrize("origin", ["https://github.com/Example/register", "git@github.com:example/register.git"])
def test_on_github(project: Project, origin: str) -> None:
    head = cloned(project, origin)
    expected = f"https://github.com/example/register/blob/{head}/config/people.yaml#L4"
    assert address(project, **GITHUB) == expected


def test_on_gitlab_where_the_remote_carries_a_token(project: Project) -> None:
    head = cloned(project, "https://gitlab-ci-token:secret@gitlab.example/a/b/register.git")
    expected = f"https://gitlab.example/a/b/register/-/blob/{head}/config/people.yaml#L4"
    assert address(project, **GITLAB) == expected


def test_outside_of_ci_and_in_a_clone_of_another_repository_there_are_none(project: Project) -> None:
    cloned(project, "https://github.com/example/another-register.git")
    assert address(project) is None
    assert address(project, **GITHUB) is None
    assert address(project, **{**GITHUB, "GITHUB_SERVER_URL": "javascript:alert(1)//"}) is None
    assert address(project, **{**GITHUB, "GITHUB_REPOSITORY": "a)b/register"}) is None


def test_a_register_that_is_not_as_committed_has_only_lines_of_before(project: Project) -> None:
    head = cloned(project)
    (project.root / "notes").write_text("not of the register\n", encoding="utf-8")
    assert address(project, **GITHUB) != ""
    project.people("caller-1")
    assert address(project, **GITHUB) == ""
    found = find(project.context(**GITHUB), unmasked)
    assert found is not None
    assert found.to(PLACE, head) == f"https://github.com/example/register/blob/{head}/config/people.yaml#L4"
    git(project, "checkout", "-q", "--", "config")
    assert address(project, **GITHUB) != ""
    (project.root / "config" / "new.yaml").write_text("speakers: [caller-9]\n", encoding="utf-8")
    assert address(project, **GITHUB) == ""


def test_a_name_with_an_identifier_is_in_no_address(project: Project) -> None:
    cloned(project)
    assert find(project.context(**GITHUB), lambda text: text.replace("register", "…")) is None
    assert LINKS.to("config/….yaml:4") == ""


@each_row("place", ["", "people.yaml", "a:b", "config/../../x:1", "/etc/x:1", "a\\x1b.yaml:1"])
def test_what_is_no_place_has_no_address(place: str) -> None:
    assert LINKS.to(place) == ""


@each_row(
    "name", ["a) [x](javascript:y", "a|b", "<b>", 'a" onclick="b', "a b", "`a`", "@octocat", "#1", "a\u202eb", "ü"]
)
def test_a_hostile_name_is_one_link_and_nothing_else(name: str) -> None:
    one = step(Action.OPT_OUT)
    place = f"config/{name}.yaml:4"
    made = render(review([one], places={one.label: place}, links={one.label: LINKS.to(place)}))
    tokens = [
        child
        for token in MarkdownIt("commonmark").enable("table").parse(made)
        for child in token.children or []
        if child.type not in ("text", "code_inline", "softbreak")
    ]
    assert [token.type for token in tokens] == ["link_open", "link_close"]
    assert str(tokens[0].attrs["href"]).startswith(f"https://github.com/example/register/blob/{'1' * 40}/config/")
    assert "javascript:" not in made.split("](https")[1].split("#L4)")[0].replace("%3A", "")


def test_the_row_of_somebody_who_left_leads_to_the_line_of_before(project: Project, engine: ScriptedEngine) -> None:
    register = project.root / "config" / "people.yaml"
    register.write_text(
        "speakers:\n  - caller-1\n  - id: caller-2\n    ticket: PRIV-2 of caller-2\n", encoding="utf-8"
    )
    head = cloned(project)
    project.people("caller-1")
    commit(project)
    engine.stream.step("delete", label_of(DOMAIN, "caller-2"))
    project.environment.update(GITHUB)
    shown = project.run("preview", "--stack", "test", "--format", "markdown").stdout
    assert f"(https://github.com/example/register/blob/{head}/config/people.yaml#L3)" in shown
    assert "(ticket `PRIV-2 of …`)" in shown
    assert "caller-" not in shown
