"""Git repositories for the tests of evidence: a real one each, whose commits have times of a calendar."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
OTHER_DOMAIN = "ZzZuCPFOsAjzg9xoByUatN"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass
class Repo:
    """A repository whose clock goes on one day with every commit."""

    root: Path
    clock: datetime = START
    environment: dict[str, str] = field(default_factory=dict)

    def git(self, *words: str, text: bytes | None = None) -> str:
        """Run Git at the present time of the clock."""
        when = f"{int(self.clock.timestamp())} +0000"
        who = {
            f"GIT_{role}_{key}": f"{role.lower()}@example.org"
            for role in ("AUTHOR", "COMMITTER")
            for key in ("EMAIL",)
        }
        names = {"GIT_AUTHOR_NAME": "Ann Author", "GIT_COMMITTER_NAME": "Carl Committer"}
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, "GIT_CONFIG_GLOBAL": os.devnull}
        environment = {**os.environ, **who, **names, **dates, **self.environment}
        done = subprocess.run(
            ["git", *words], cwd=self.root, env=environment, capture_output=True, check=True, input=text
        )
        return done.stdout.decode().strip()

    def start(self) -> Repo:
        """Make it."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")
        return self

    def write(self, path: str, text: str) -> None:
        """Write a file of the work tree."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def commit(self, message: str = "change the register") -> str:
        """Commit everything a day later, and return the hash."""
        self.clock += timedelta(days=1)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.head()

    def save(self, path: str, text: str, message: str = "change the register") -> str:
        """Write a file and commit it."""
        self.write(path, text)
        return self.commit(message)

    def merge(self, branch: str, message: str, *others: str) -> str:
        """Merge branches into the one that is checked out, a day later."""
        self.clock += timedelta(days=1)
        self.git("merge", "-q", "--no-ff", "-m", message, branch, *others)
        return self.head()

    def head(self) -> str:
        """Return the present commit."""
        return self.git("rev-parse", "HEAD")

    def register(self) -> Path:
        """Return where the register is."""
        return self.root / "config"


def block(*people: str, domain: str = DOMAIN, released: tuple[str, ...] = ()) -> str:
    """Return a register file of these people."""
    text = f"domain: {domain}\nspeakers:" + ("" if people else " []") + "\n"
    text += "".join(f"  - {one}\n" for one in people)
    if released:
        text += "released:\n" + "".join(f"  - id: {one}\n    reason: asked for it\n" for one in released)
    return text
