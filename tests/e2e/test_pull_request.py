"""The life of a pull request: a real Git repository, the workflows' commands, and a GitHub on loopback.

What the comment says at each step is kept in ``golden``; ``OPTOUT_GOLDEN=write`` writes it anew, to be read.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e import copies
from tests.e2e.commands import eventually
from tests.e2e.services import opted_out
from tests.forge import fake

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.commands import Finished
    from tests.e2e.copies import Copy
    from tests.e2e.services import Service
    from tests.forge.fake import Fake

GOLDEN = Path(__file__).parent / "golden"
DOMAIN = "PullRequestsDomain0001"  # labels, and with them what is kept, hang on it
PULL = 7
PEOPLE = [f"caller-{n:06}" for n in range(12)]


@dataclass(frozen=True)
class Repository:
    """A clone with a pull request on a branch of its own, and what CI does for it."""

    copy: Copy
    github: Fake

    def git(self, *arguments: str) -> str:
        command = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.org", *arguments]
        done = subprocess.run(command, cwd=self.copy.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        """Commit everything, and let the pull request point to it."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        head = self.git("rev-parse", "HEAD")
        self.github.pulls[PULL]["head"] = {"sha": head}
        event = {"pull_request": {"number": PULL, "head": {"sha": head}}}
        self._event.write_text(json.dumps(event), encoding="utf-8")

    @property
    def _event(self) -> Path:
        return self.copy.root.parent / "event.json"

    def preview(self) -> Finished:
        """Do what preview.yml does: a preview and its comment."""
        for name in ("plan.md", "plan.json"):
            (self.copy.root / name).unlink(missing_ok=True)
        seen = self.copy.optout(
            *("preview", "--detailed-exitcode", "--output", "plan.md", "--save-plan", "plan.json")
        )
        (self.copy.root / "preview.log").write_text(seen.err, encoding="utf-8")
        if (self.copy.root / "plan.md").exists():
            said = self.copy.optout("comment", "--body-file", "plan.md", "--plan", "plan.json")
        else:
            failed = f"optout preview ended with exit code {seen.code}"
            said = self.copy.optout("comment", "--failed", failed, "--log-file", "preview.log")
        assert said.code == 0, said.output
        return seen

    def comment(self) -> str:
        """Return the one comment."""
        (body,) = self.github.bodies(PULL)
        return body

    def merge(self) -> str:
        """Merge the branch; returns what `optout approved` prints of it."""
        self.git("checkout", "-q", "main")
        self.git("merge", "-q", "--no-ff", "-m", "merge", "people")
        self.github.pulls[PULL]["merge_commit_sha"] = merge = self.git("rev-parse", "HEAD")
        found = self.copy.optout("approved", "--commit", merge)
        assert found.code == 0, found.output
        return found.out.strip()

    def nightly(self) -> Finished:
        """Do what drift.yml does: look, and keep the one issue of the stack."""
        seen = self.copy.optout("drift", "--output", "drift.md")
        more = ("--body-file", "drift.md") if seen.code == 5 else ("--close",)
        said = self.copy.optout("issue", *more)
        assert said.code == 0, said.output
        return seen


@pytest.fixture
def repository(tmp_path: Path, service: Service) -> Iterator[Repository]:
    service.hook("/domains", DomainId=DOMAIN)
    copy = copies.with_service(tmp_path / "opt outs", service, DOMAIN)
    with fake.github() as github:
        variables = {
            **copy.shell.variables,
            **github.environment(),
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": "5",
        }
        copy = replace(copy, shell=replace(copy.shell, variables=variables))
        github.add_pull(PULL)
        made = Repository(copy, github)
        made.git("init", "-q", "-b", "main")
        (copy.root / ".gitignore").write_text(".optout/\n__pycache__/\nplan.*\ndrift.md\npreview.log\n")
        copy.write(PEOPLE)
        copy.up()
        made.commit("twelve people")
        made.git("checkout", "-q", "-b", "people")
        yield made
    eventually(lambda: not copy.shell.processes(), "all processes of the test have ended")


def as_kept(name: str, text: str) -> None:
    """Compare with what is kept; commits hang on the hour, and digests on the service's port."""
    text = re.sub(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", "<digest>", text)
    text = re.sub(r"(?<=http://127\.0\.0\.1:)\d+", "<port>", text)
    text = re.sub(r"(commit[= ]`?|\()[0-9a-f]{7,40}\b", r"\1<commit>", text)
    path = GOLDEN / name
    if os.environ.get("OPTOUT_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert not [person for person in PEOPLE if person in text]


def test_the_life_of_a_pull_request(repository: Repository, service: Service) -> None:
    copy = repository.copy
    new = ["caller-000020", "caller-000021", "caller-000022"]

    copy.write([*PEOPLE, *new])
    repository.commit("add three")
    assert repository.preview().code == 4
    as_kept("1-three-added.md", repository.comment())

    copy.write([*PEOPLE[:-1], *new])
    repository.commit("remove one")
    assert repository.preview().code == 4
    as_kept("2-one-removed.md", repository.comment())

    copy.write([*PEOPLE[1:-1], *new], {PEOPLE[0]: "consented again in writing"})
    repository.commit("release one")
    assert repository.preview().code == 4
    as_kept("3-one-released.md", repository.comment())

    register = copy.root / "config" / "people.yaml"
    good = register.read_text(encoding="utf-8")
    register.write_text(good.replace(f"  - {new[1]}\n", f"  - {new[1]}: yes\n"), encoding="utf-8")
    repository.commit("break one line")
    assert copy.optout("validate", "--format", "github").out.startswith("::error file=config/people.yaml,line=14")
    assert repository.preview().code == 3
    as_kept("4-one-line-broken.md", repository.comment())

    register.write_text(good, encoding="utf-8")
    repository.commit("mend it")
    assert repository.preview().code == 4
    as_kept("3-one-released.md", repository.comment())

    before = service.statuses(DOMAIN)
    assert before == opted_out(PEOPLE)
    digest = repository.merge()
    done = copy.optout("up", "--yes", "--approve", digest)
    assert done.code == 0, done.output
    assert "Done: 3 opted out, 1 released, 1 no longer managed." in done.out
    assert service.statuses(DOMAIN) == opted_out([*PEOPLE[1:], *new])
    assert copy.optout("up", "--yes", "--approve", digest).code == 7

    assert repository.nightly().code == 0
    assert repository.github.issues == {}
    service.seed(DOMAIN, new[0], "ENROLLED", recreate=True)
    assert repository.nightly().code == 5
    ((number, issue),) = repository.github.issues.items()
    as_kept("5-drift.md", issue["body"])
    copy.up()
    assert repository.nightly().code == 0
    assert repository.github.issues[number]["state"] == "closed"
    assert service.statuses(DOMAIN) == opted_out([*PEOPLE[1:], *new])


def test_what_was_not_reviewed_is_not_merged(repository: Repository, service: Service) -> None:
    """Somebody is enrolled again between the review and the merge: another plan than the one that was read."""
    copy = repository.copy
    copy.write([*PEOPLE, "caller-000030"])
    repository.commit("add one")
    repository.preview()
    digest = repository.merge()
    service.seed(DOMAIN, PEOPLE[3], "ENROLLED")
    stale = copy.optout("up", "--yes", "--approve", digest)
    assert stale.code == 7
    assert "caller-000030" not in service.statuses(DOMAIN)
