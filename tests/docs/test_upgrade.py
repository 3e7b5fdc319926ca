"""A fork of before there was `optout init` moves to the package by the steps that docs/upgrade.md gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs import worlds
from tests.docs.pages import commands, missing
from tests.docs.session import Session
from tests.e2e.commands import Shell
from tests.e2e.services import serving
from tests.forge import fake

if TYPE_CHECKING:
    from tests.docs.worlds import World

# A repository of the day before: its project files, program, register and what stands for the code.
FORK = Path(__file__).with_name("fork")
PULUMI = shutil.which("pulumi")
ENGINES = [
    "embedded",
    pytest.param(
        "auto",
        marks=[pytest.mark.official, pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")],
    ),
]
PRODUCTION = "--stack production"


def become_a_fork(world: World) -> None:
    """Put the fork's files in the place of today's, and commit them."""
    for name in ("config", "__main__.py", "Pulumi.yaml", "Pulumi.local.yaml", "Makefile", "pyproject.toml"):
        path = world.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(FORK, world.root, dirs_exist_ok=True)
    (world.root / "gitignore").rename(world.root / ".gitignore")
    world.git("add", "--all")
    world.git("commit", "--quiet", "--message=The fork")


def plan(session: Session) -> dict[str, Any]:
    code, said = session.run(f"optout preview {PRODUCTION} --json 2>/dev/null")
    assert code == 0, said
    document: dict[str, Any] = json.loads(said)
    return document


def everybody(world: World) -> list[dict[str, Any]]:
    """Return what the service says of each, with the time of the last change."""
    pages = world.service.client.get_paginator("list_speakers").paginate(DomainId=world.copy.domain_id)
    return sorted((each for page in pages for each in page["SpeakerSummaries"]), key=lambda each: each["CreatedAt"])


@pytest.mark.parametrize("engine", ENGINES)
def test_nobody_changes_and_the_plan_is_the_empty_one(tmp_path: Path, engine: str) -> None:
    with serving(Shell(tmp_path), tmp_path / "data") as service, fake.github() as github:
        world = worlds.make(tmp_path / "fork", service, github)
        become_a_fork(world)
        variables = {**world.copy.shell.variables, "OPTOUT_ENGINE": engine, "PULUMI_CONFIG_PASSPHRASE": "rehearsal"}
        if engine == "auto":
            more = {"PULUMI_HOME": str(tmp_path / "pulumi home"), "PULUMI_SKIP_UPDATE_CHECK": "true"}
            variables |= {**more, "PATH": f"{variables['PATH']}:{Path(PULUMI or '').parent}"}
        with Session(Shell(world.root, variables)) as session:
            code, said = session.run(f"optout up {PRODUCTION} --yes")
            assert (code, "Done: 13 opted out, 1 released." in said) == (0, True), said
            world.git("add", "--all")
            world.git("commit", "--quiet", "--message=The label key")
            empty, people = plan(session), everybody(world)
            assert (empty["steps"], len(people)) == ([], 13)

            for command in commands("docs/upgrade.md"):
                code, said = session.type(command.text)
                assert code == 0, f"{command}\n{said}"
                assert missing(command.shown, said) is None, f"{command}\n{said}"

            kept = {path.relative_to(world.root).parts[0] for path in world.root.iterdir()}
            assert not kept & {"Makefile", "providers"}
            assert {"Pulumi.production.yaml", "Pulumi.local.yaml", ".optout-init.json", "README.md"} <= kept
            after = plan(session)
            assert (after["digest"], after["steps"]) == (empty["digest"], [])
            code, said = session.run(f"optout up {PRODUCTION} --yes")
            assert (code, "Nothing changed" in said) == (0, True), said
            assert everybody(world) == people
            assert "Nothing changes" in session.run("optout init --upgrade --diff")[1]
            told = session.run("git log --format=%s -- config/people.yaml")[1]
            assert told.splitlines()[-1] == "The register", "the history of the register stays"
