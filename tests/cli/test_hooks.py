"""What a repository offers before a commit is made, and in an editor."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.projects import DOMAIN, Project
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.register.fields import build_schema

ROOT = Path(__file__).parents[2]


def hooks() -> list[Any]:
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    own = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return [*offered, *own["repos"][0]["hooks"]]


@pytest.mark.parametrize("hook", hooks(), ids=["offered", "own"])
def test_a_commit_with_a_fault_in_the_register_is_refused(project: Project, hook: Any) -> None:
    assert hook["id"] == "optout-validate"
    program, *arguments = shlex.split(hook["entry"])
    assert (Path(program).name, hook["pass_filenames"]) == ("optout", False)
    assert project.run(*arguments).exit_code == ExitCode.DONE
    (project.root / "config" / "people.yaml").write_text("- a\n- a\n")
    assert project.run(*arguments).exit_code == ExitCode.REGISTER_INVALID


@pytest.mark.parametrize("hook", hooks(), ids=["offered", "own"])
def test_the_hook_runs_whatever_a_commit_changes(hook: Any) -> None:
    """pre-commit offers a pattern neither deleted files nor, to hooks for plain files, links."""
    assert hook["always_run"] is True
    assert not {"files", "exclude", "types", "types_or", "exclude_types"} & hook.keys()


def deleted(project: Project) -> None:
    (project.root / "config" / "people.yaml").unlink()


def upper_case(project: Project) -> None:
    (project.root / "config" / "N.YAML").write_text("- caller-1\n")


def linked(project: Project) -> None:
    (project.root / "config" / "n.yaml").symlink_to("../Pulumi.yaml")


def elsewhere(project: Project) -> None:
    (project.root / "people").mkdir()
    (project.root / "people" / "n.yaml").write_text("- caller-1\n- caller-1\n")
    project.configure("other", register="people", domain=DOMAIN)


@pytest.mark.parametrize("hook", hooks(), ids=["offered", "own"])
@pytest.mark.parametrize("change", [deleted, upper_case, linked, elsewhere])
def test_changes_that_a_pattern_would_pass_over_are_refused(
    project: Project, hook: Any, change: Callable[[Project], None]
) -> None:
    change(project)
    _, *arguments = shlex.split(hook["entry"])
    assert project.run(*arguments).exit_code == ExitCode.REGISTER_INVALID


def test_editors_find_the_schema() -> None:
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    ((schema, patterns),) = settings["yaml.schemas"].items()
    assert json.loads((ROOT / schema).read_text(encoding="utf-8")) == build_schema()
    for path in (ROOT / "config").glob("*.y*ml"):
        assert any(path.relative_to(ROOT).match(pattern) for pattern in patterns)
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# yaml-language-server: $schema={Path(schema).name}"
