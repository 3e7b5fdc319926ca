"""A stack for many short stories: its commands run in this process, its service is shared, and both are watched."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from tests.cli import projects
from voiceid_optout.cli.context import label_keys
from voiceid_optout.service.db.store import Store
from voiceid_optout.speakers import Ensure

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from pathlib import Path

    import pytest
    from click.testing import Result

    from tests.cli.projects import Project
    from tests.service.running import Service
    from tests.torture import Budget

# Nothing else that is printed has such words in it.
PEOPLE = ("qzanna-01", "qzboris-02", "qzclaire-03", "qzdmitri-04")
FILES = ("config/people.yaml", "config/more.yaml")
SECRETS = (*PEOPLE, "id#")  # the second begins every id that the service gives
MOST_LOSSES = 1
LIMITS = {"maxLosses": MOST_LOSSES, "maxLossPercent": 60, "percentFromLosses": 2}
READS = ("Describe", "List", "Waiting", "EventLag")
CALLS = {"OptOutSpeaker": Ensure.OPTED_OUT, "DeleteSpeaker": Ensure.RELEASED}


@dataclass
class World:
    """What all stories share: the service, what it was asked, and how much was done."""

    service: Service
    folder: Path
    budget: Budget
    official: bool  # whether the Pulumi CLI can be used
    client: Any = field(init=False)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    writes: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client = self.service.client()

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Keep every call that writes about a person, as (operation, domain, person), and count what may write."""
        run = Store.run

        async def watched(store: Store, operation: str, request: dict[str, Any], mark: str | None = None) -> Any:
            if operation in CALLS:
                self.calls.append((operation, request["DomainId"], request["SpeakerId"]))
            self.writes += not operation.startswith(READS)
            return await run(store, operation, request, mark)

        patch.setattr(Store, "run", watched)

    def count(self, what: str) -> int:
        """Count one more, and return how many there are."""
        self.counts[what] = self.counts.get(what, 0) + 1
        return self.counts[what]


@dataclass
class Stack:
    """A project with a domain of its own. Whatever a command prints or writes is searched for identifiers."""

    world: World
    domain: str
    project: Project
    engine: str = "embedded"
    labels: dict[str, str] = field(default_factory=dict)  # person by label, those of former keys too

    @classmethod
    def make(cls, world: World) -> Stack:
        """Make the next one; the same seed gives the same domains."""
        number = world.count("runs")
        domain = f"m{world.budget.seed % 10**9:09}{number:012}"
        assert world.service.admin("/domains", {"DomainId": domain})[0] == 200
        project = projects.make_with(world.folder / str(number), world.service, domain)
        return cls(world, domain, project)

    def configure(self, grouping: str) -> None:
        """Write the stack file, with a salt: then its key is derived once for all stories."""
        service = self.world.service
        self.project.configure(
            endpoint=service.url,
            region=service.running.region,
            domain="sandbox",
            domains={"sandbox": self.domain},
            quotas=dict.fromkeys(("optOut", "describe", "delete", "list"), 1000),
            guard=LIMITS,
            grouping=grouping,
        )
        self.project.salt()
        self.learn_labels()

    def end(self) -> None:
        """Remove the files."""
        shutil.rmtree(self.project.root)

    def learn_labels(self) -> None:
        """Know whose the labels are; to be called after a change of their key."""
        keys = label_keys(self.project.context(), self.project.environment)
        self.labels |= {label: one for one in PEOPLE for label in keys.labels(self.domain, one)}

    def write(self, asked: Mapping[str, Ensure], chance: random.Random, *, twice: str | None = None) -> None:
        """Write the register by hand: people in any file and order, with details or without."""
        content: dict[str, dict[str, Any]] = {
            file: {"domain": "sandbox", "speakers": [], "released": []} for file in FILES
        }
        for person in chance.sample(sorted(asked), len(asked)):
            about = content[chance.choice(FILES)]
            details = chance.choice(
                ({}, {"ticket": "PRIV-9"}, {"requested_on": "2026-03-02", "reason": "by phone"})
            )
            if asked[person] is Ensure.RELEASED:
                about["released"].append({"id": person, "reason": "consented again", **details})
            else:
                about["speakers"].append({"id": person, **details} if details else person)
        if twice is not None:
            content[chance.choice(FILES)]["speakers"].append(twice)
        for file, text in content.items():
            (self.project.root / file).write_text(yaml.safe_dump(text), encoding="utf-8")

    def run(self, *words: str, given: str = "") -> Result:
        """Run a command and look through what it printed and wrote; ``given`` is its standard input."""
        before = len(self.world.calls)
        result = self.project.run(*words, answer=given, OPTOUT_ENGINE=self.engine)
        self.world.count("commands")
        self.world.count(f"commands_{self.engine}")
        told = result.output + result.stderr
        for file in (self.project.state_file, *self.project.root.glob("*.json")):
            if file.exists():
                told += file.read_text(encoding="utf-8")
        assert not [secret for secret in (*SECRETS, "Traceback") if secret in told], (words, result.output)
        # Stories follow one another, and none calls the domain of another.
        assert {domain for _, domain, _ in self.world.calls[before:]} <= {self.domain}
        return result

    def asked_of_the_service(self) -> list[tuple[str, str]]:
        """Return the operation and the person of every call that writes, since the last time."""
        found = [(operation, person) for operation, _, person in self.world.calls]
        self.world.calls.clear()
        return found

    def people(self) -> dict[str, str]:
        """Return the status of everybody in the service."""
        listed = self.world.client.list_speakers(DomainId=self.domain, MaxResults=100)["SpeakerSummaries"]
        return {one["CustomerSpeakerId"]: one["Status"] for one in listed}


@dataclass(frozen=True)
class Shown:
    """A plan as a command tells it: its digest, and what it names, the action by person."""

    digest: str
    steps: Mapping[str, str]
    losses: int
    empties: bool

    @classmethod
    def of(cls, document: Mapping[str, Any], labels: Mapping[str, str]) -> Shown:
        """Read the document; each step is about a person, and each person has one."""
        steps = document["steps"]
        assert all(step["type"] == "person" for step in steps)
        forgotten = [step for step in steps if step["action"] == "forget"]
        lost = [step for step in forgotten if step["change"]["before"] == "opted_out"]
        released = [step for step in steps if step["action"] == "release"]
        named = {labels[step["label"]]: step["action"] for step in steps}
        assert len(named) == len(steps)
        empties = len(forgotten) == len(steps) > 0 and not document["unchanged"]
        return cls(document["digest"], named, len(lost) + len(released), empties)

    @property
    def is_guarded(self) -> bool:
        """Whether somebody has to approve it by name."""
        return self.losses > MOST_LOSSES or self.empties


def plan_of(stack: Stack, output: str) -> Shown | None:
    """Return the plan in what a command with --json printed; None if it made none."""
    documents = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    found = [document["plan"] for document in documents if "plan" in document]
    return Shown.of(found[-1], stack.labels) if found else None
