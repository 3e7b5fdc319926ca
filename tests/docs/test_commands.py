"""Every command of the documentation is typed, page by page, and says what the page shows."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs import elsewhere, worlds
from tests.docs.pages import PAGES, commands, missing
from tests.docs.preparations import BEFORE, CODES, PREPARED
from tests.docs.session import Session
from tests.e2e.commands import Shell
from tests.e2e.services import Service, serving
from tests.forge import fake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.docs.pages import Command
    from tests.docs.worlds import World

HERE = {
    page: [c.text.partition("  #")[0].strip() for c in commands(page) if elsewhere.reason(c) is None]
    for page in PAGES
}
# What only begins as the README does, such as CONTRIBUTING with `make up`, is not typed twice.
# docs/production.md begins with an empty folder: tests/docs/test_production.py.
RUN = [
    page
    for page, texts in HERE.items()
    if page != "docs/production.md"
    if page == "README.md" or texts != HERE["README.md"][: len(texts)]
]
WITH_PULUMI = [
    page for page in RUN if any(elsewhere.reason(command) == elsewhere.OFFICIAL for command in commands(page))
]
PULUMI = shutil.which("pulumi")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Give one service for the stack `production` of all pages; each has domains of its own in it."""
    folder = tmp_path_factory.mktemp("service")
    with serving(Shell(folder), folder / "data") as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, service: Service) -> Iterator[World]:
    with fake.github() as github:
        yield worlds.make(tmp_path / "project", service, github)


def typed(page: str, world: World, skipped: Callable[[Command], bool]) -> list[str]:
    """Type a page's commands; return what did not go as the page says."""
    wrong, seen = [], Counter[str]()
    with Session(world.copy.shell) as session:
        prepared = PREPARED.get(page)
        if prepared is not None:
            prepared(world, session)
        for command in commands(page):
            if skipped(command):
                continue
            for prepare in (do for (where, what), do in BEFORE.items() if where == page and what in command.text):
                prepare(world, session)
            code, said = session.type(command.text)
            expected = CODES.get((page, command.text, seen[command.text]), 0)
            seen[command.text] += 1
            if code != expected:
                wrong.append(f"{command}\n  ended with {code} and not with {expected}\n{said}")
            elif (line := missing(command.shown, said)) is not None:
                wrong.append(f"{command}\n  did not say: {line}\n{said}")
    return wrong


@pytest.mark.parametrize("page", RUN)
def test_a_page_s_commands_do_what_it_says(page: str, world: World) -> None:
    wrong = typed(page, world, lambda command: elsewhere.reason(command) is not None)
    assert not wrong, "\n".join(wrong)


@pytest.mark.official
@pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH")
@pytest.mark.parametrize("page", WITH_PULUMI)
def test_with_the_pulumi_cli_too(page: str, world: World, tmp_path: Path) -> None:
    """The page's commands of the Pulumi CLI are typed as well; the others then use it."""
    shell = world.copy.shell
    variables = {
        "PATH": f"{shell.variables['PATH']}:{Path(PULUMI or '').parent}",
        "PULUMI_HOME": str(tmp_path / "pulumi home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "OPTOUT_ENGINE": "auto",
    }
    official = Shell(shell.folder, {**shell.variables, **variables})
    world = replace(world, copy=replace(world.copy, shell=official))
    wrong = typed(page, world, lambda command: elsewhere.reason(command) not in (None, elsewhere.OFFICIAL))
    assert not wrong, "\n".join(wrong)


@pytest.mark.clients
@pytest.mark.parametrize("page", [page for page in RUN if any("aws voice-id" in c.text for c in commands(page))])
def test_with_the_aws_cli_too(page: str, world: World) -> None:
    """What botocore stands in for above is the AWS CLI here."""
    if not worlds.aws_cli():
        pytest.skip("OPTOUT_AWS_CLI names no executable: run make test-clients")
    wrong = typed(page, world, lambda command: elsewhere.reason(command) is not None)
    assert not wrong, "\n".join(wrong)


def test_every_page_of_commands_is_among_them() -> None:
    assert {"README.md", "docs/tutorial.md", "docs/how-to.md", "docs/plan.md", "docs/service.md"} <= {*RUN}
