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
CALLED = [path for path in OWN if path.stem.startswith("optout-")]
EXAMPLES = sorted((ROOT / "examples" / "github").glob("*.yml"))
ALL = [*OWN, *EXAMPLES, ROOT / "examples" / "pulumi-cli" / "optout.yml"]
SETUP = ROOT / ".github" / "actions" / "setup" / "action.yml"


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
        """The steps of the jobs; a job that calls a workflow has none."""
        for name, job in self.jobs.items():
            for step in job.get("steps", []):
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


def action() -> dict[str, Any]:
    """The steps of the composite action, by their names."""
    content = yaml.safe_load(SETUP.read_text(encoding="utf-8"))
    return {step.get("name", step.get("uses")): step for step in content["runs"]["steps"]}


def own(stem: str) -> Workflow:
    return read(ROOT / ".github" / "workflows" / f"{stem}.yml")
