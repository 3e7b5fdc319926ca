"""A project whose pull requests are on a GitHub on loopback."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.forge import fake
from tests.forge.fake import HEAD, Fake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from tests.cli.projects import Project

PEOPLE = ("caller-000017", "caller-000018")


@dataclass(frozen=True)
class Hosted:
    """A project with two people, pull request 7, and a workflow's variables."""

    project: Project
    github: Fake

    def write(self, name: str, text: str) -> str:
        path = self.project.root / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run(self, command: str, *arguments: str, answer: str = "", **environment: str | None) -> Result:
        return self.project.run(command, "--stack", "test", *arguments, answer=answer, **environment)


@contextmanager
def hosted(project: Project) -> Iterator[Hosted]:
    """Serve a GitHub for a project."""
    project.people(*PEOPLE)
    event = project.root / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": HEAD}}}), encoding="utf-8")
    with fake.github() as github:
        github.add_pull()
        variables = {
            **github.environment(),
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "5",
        }
        yield Hosted(replace(project, environment={**project.environment, **variables}), github)
