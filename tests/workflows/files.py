"""The workflows of the project and of its examples, as YAML's types."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ALL = [*OWN, ROOT / "examples" / "pulumi-cli" / "optout.yml"]


@dataclass(frozen=True)
class Workflow:
    """``text`` has the comments that YAML drops."""

    text: str
    content: dict[Any, Any]

    @property
    def triggers(self) -> set[str]:
        """The events; YAML 1.1 reads their key, ``on``, as true."""
        return set(self.content[True])

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        jobs: dict[str, dict[str, Any]] = self.content["jobs"]
        return jobs

    def steps(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, job in self.jobs.items():
            for step in job["steps"]:
                yield name, step

    def step(self, job: str, name: str) -> dict[str, Any]:
        (found,) = [step for step in self.jobs[job]["steps"] if step.get("name") == name]
        return dict(found)

    def uses(self) -> list[str]:
        """The lines that name an action, with their comments."""
        return re.findall(r"^\s*(?:- )?uses: (.+)$", self.text, re.MULTILINE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> Workflow:
    text = path.read_text(encoding="utf-8")
    return Workflow(text, yaml.safe_load(text))


def own(stem: str) -> Workflow:
    return read(ROOT / ".github" / "workflows" / f"{stem}.yml")
