"""A year of a register: the story that `optout show` tells of each person is the one written down here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from tests.evidence.repositories import Repo
from voiceid_optout.cli.main import main

if TYPE_CHECKING:
    import pytest

    from tests.e2e.copies import Copy
    from tests.e2e.services import Service

PEOPLE = [f"caller-{number:06}" for number in range(40)]
RENAMED, MORE, REBASED = PEOPLE[:10], PEOPLE[10:20], PEOPLE[30:]
MOVED, RELEASED, DRIFTED, OUT, LATE = PEOPLE[:2], PEOPLE[2], PEOPLE[3], PEOPLE[4], PEOPLE[5]
Told = list[tuple[Any, ...]]


@dataclass
class Year:
    """The register, its repository, and what shall be told of each person: of the register, and of runs."""

    copy: Copy
    repo: Repo
    people: list[str] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    released: dict[str, str] = field(default_factory=dict)
    file: str = "people.yaml"
    register: dict[str, Told] = field(default_factory=lambda: {person: [] for person in PEOPLE})
    runs: dict[str, Told] = field(default_factory=lambda: {person: [] for person in PEOPLE})

    def month(self, number: int) -> None:
        """Let the clock go on to a month."""
        self.repo.clock = datetime(2025, number, 3, 12, tzinfo=UTC)

    def write(self) -> None:
        """Write the register's files."""
        text = "domain: sandbox\nspeakers:\n" + "".join(f"  - {one}\n" for one in self.people)
        if self.released:
            text += "released:\n"
        text += "".join(f"  - id: {one}\n    reason: {why}\n" for one, why in self.released.items())
        self.repo.write(f"config/{self.file}", text)
        if self.more:
            more = "domain: sandbox\nspeakers:\n" + "".join(f"  - {one}\n" for one in self.more)
            self.repo.write("config/more.yaml", more)

    def commit(self, message: str) -> str:
        """Write and commit the register."""
        self.write()
        return self.repo.commit(message)

    def tell(self, people: list[str], what: str, merge: str, number: int | None, commit: str | None = None) -> None:
        """Write down what the register did to people."""
        at = self.repo.git("show", "-s", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", merge)
        for one in people:
            self.register[one].append((at, what, merge, commit or merge, number))

    def up(self, **did: list[str]) -> None:
        """Apply the register, and write down what that did to people, with the commit that it worked on."""
        self.copy.up()
        head = self.repo.head()
        for what, people in did.items():
            for one in people:
                self.runs[one].append((what.replace("_", " "), head))

    def told(self, person: str, env: dict[str, str]) -> dict[str, Any]:
        """Return the story of a person, asked for on standard input."""
        words = ["show", "-", "--cwd", str(self.copy.root), "--stack", "test", "--format", "json"]
        done = CliRunner().invoke(main, words, input=f"{person}\n", env=env)
        assert done.exit_code == 0, done.output
        assert "caller-" not in done.output
        (story,) = json.loads(done.stdout)["people"]
        return dict(story)


def first_half(year: Year) -> None:
    """Begin, merge, rename a file, move people, release one."""
    repo, copy = year.repo, year.copy
    for path in (copy.root / "config").glob("*.yaml"):
        path.unlink()
    repo.write(".gitignore", ".optout/\n")

    year.month(1)
    year.people = PEOPLE[:10]
    year.tell(PEOPLE[:10], "listed", year.commit("Begin"), None)
    year.up(opted_out_in_the_service=PEOPLE[:10])

    year.month(2)
    repo.git("switch", "-q", "-c", "more")
    year.people = year.people + MORE
    made = year.commit("Add ten people")
    repo.git("switch", "-q", "main")
    year.month(3)
    merge = repo.merge("more", "Merge pull request #1 from somebody/more\n\nAdd ten people")
    year.tell(MORE, "listed", merge, 1, made)
    year.up(opted_out_in_the_service=MORE)

    year.month(4)
    year.people = year.people + PEOPLE[20:30]
    year.tell(PEOPLE[20:30], "listed", year.commit("Add ten more (#2)"), 2)
    year.up(opted_out_in_the_service=PEOPLE[20:30])
    repo.git("mv", "config/people.yaml", "config/callers.yaml")
    year.file = "callers.yaml"
    year.tell(year.people, "moved", year.commit("Rename the file (#3)"), 3)

    year.month(5)
    year.people, year.more = year.people[2:], MOVED
    year.tell(MOVED, "moved", year.commit("Move two (#4)"), 4)
    year.up()

    year.month(6)
    year.people = [one for one in year.people if one != RELEASED]
    year.released = {RELEASED: "asked for it"}
    year.tell([RELEASED], "released", year.commit("Release one (#5)"), 5)
    year.up(released_in_the_service=[RELEASED])


def second_half(year: Year, service: Service) -> None:
    """Repair a drift, rebase, change the label key, take one back and one out, and go on in shards."""
    repo, copy = year.repo, year.copy
    year.month(7)
    service.delete(copy.domain_id, DRIFTED)
    year.up(repaired=[DRIFTED])
    repo.git("switch", "-q", "-c", "ten")
    before, year.people = year.people, year.people + REBASED
    year.commit("Add the last ten")
    repo.git("switch", "-q", "main")
    year.people = before
    repo.write("README.md", "The register.\n")
    repo.commit("Say what it is")
    year.month(8)
    repo.git("switch", "-q", "ten")
    repo.git("rebase", "-q", "main")
    made = repo.head()
    repo.git("switch", "-q", "main")
    merge = repo.merge("ten", "Merge branch 'ten' into 'main'\n\nSee merge request people/register!6")
    year.people = year.people + REBASED
    year.tell(REBASED, "listed", merge, 6, made)
    year.up(opted_out_in_the_service=REBASED)

    year.month(9)
    assert copy.optout("labels", "rotate").code == 0
    repo.commit("Change the label key")
    year.up(label_changed=PEOPLE)
    repo.commit("Take out the old key")

    year.month(10)
    year.people, year.released = [*year.people, RELEASED], {}
    year.tell([RELEASED], "listed again", year.commit("One came back (#7)"), 7)
    year.up(opted_out_in_the_service=[RELEASED])

    year.month(11)
    year.people.remove(OUT)
    year.tell([OUT], "taken out", year.commit("Take one out (#8)"), 8)
    year.up(no_longer_managed=[OUT])

    year.month(12)
    assert copy.optout("config", "set", "grouping", "sharded").code == 0
    repo.commit("Group by shards")
    year.up()
    year.people.remove(LATE)
    year.released = {LATE: "asked for it"}
    year.tell([LATE], "released", year.commit("Release another (#9)"), 9)
    year.up(released_in_the_service=[LATE])


def test_the_story_of_each_is_the_one_written_down(
    copy: Copy, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    year = Year(copy, Repo(copy.root).start())
    first_half(year)
    second_half(year, service)
    environment = copy.shell.environment()
    for person in PEOPLE:
        story = year.told(person, environment)
        register = [moment for moment in story["moments"] if moment["source"] == "register"]
        ran = [moment for moment in story["moments"] if moment["source"] == "run"]
        told = [
            (moment["at"], moment["what"], moment["merge"], moment["commit"], moment["pull_request"])
            for moment in register
        ]
        assert (person, told) == (person, year.register[person])
        assert (person, [(moment["what"], moment["commit"]) for moment in ran]) == (person, year.runs[person])
        assert all(moment["plan"] and moment["succeeded"] for moment in ran)
        assert {moment["author"] for moment in register} == {"Ann Author"}
        wanted = None if person == LATE else "OPTED_OUT"
        assert (story["service"]["status"], story["opted_out_at"] is None) == (wanted, wanted is None)
        assert story["speaker_id"] is None
        if person == OUT:
            assert (story["listed"], story["since"]) == (None, None)
            continue
        since = [row for row in year.register[person] if row[1] != "moved"][-1]
        assert (story["since"]["at"], story["since"]["merge"]) == (since[0], since[2])
        assert story["listed"]["committed"]
        assert story["listed"]["ensure"] == ("released" if person == LATE else "opted_out")
