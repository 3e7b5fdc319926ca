"""What a repository offers before a commit is made, and in an editor."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.projects import Project
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.register.schema import build_schema

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
@pytest.mark.parametrize(
    ("path", "concerned"),
    [
        *[("config/people.yaml", True), ("config/people.yml", True), ("config/team/people.yaml", True)],
        *[("Pulumi.production.yaml", True), ("docs/register.md", False), ("other/config/people.yaml", False)],
    ],
)
def test_the_hook_looks_where_the_register_is(hook: Any, path: str, *, concerned: bool) -> None:
    assert bool(re.search(hook["files"], path)) is concerned


def test_editors_find_the_schema() -> None:
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    ((schema, patterns),) = settings["yaml.schemas"].items()
    assert json.loads((ROOT / schema).read_text(encoding="utf-8")) == build_schema()
    for path in (ROOT / "config").glob("*.y*ml"):
        assert any(path.relative_to(ROOT).match(pattern) for pattern in patterns)
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# yaml-language-server: $schema={Path(schema).name}"
