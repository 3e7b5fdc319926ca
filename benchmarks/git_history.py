"""A register with a long history in Git, and what it costs to tell from it since when people are listed."""

from __future__ import annotations

import random
import resource
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voiceid_optout.evidence.git_history import histories, listings

if TYPE_CHECKING:
    from pathlib import Path

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
_SEED = 7
_FIRST_DAY = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds, and the most memory of this process so far in MB."""

    people: int
    seconds: float
    megabytes: int


def make_repository(root: Path, people: int, commits: int, each: int = 20) -> None:
    """Make a repository whose register begins with so many people; each commit adds some, in places or at the end.

    Every tenth commit releases somebody. Some entries are one line, some have a date and a ticket.
    """
    root.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(root)], check=True)
    chance = random.Random(_SEED)
    entries = [_entry(number) for number in range(people)]
    released: list[str] = []
    with subprocess.Popen(["git", "-C", str(root), "fast-import", "--quiet"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for number in range(commits):
            for new in range(each if number else 0):
                place = chance.randrange(len(entries)) if number % 2 else len(entries)
                entries.insert(place, _entry(people + number * each + new))
            if number % 10 == 9:
                gone = entries.pop(chance.randrange(len(entries))).split("\n")[0].rpartition(" ")[2]
                released.append(f"  - id: {gone}\n    reason: asked for it\n")
            text = f"domain: {DOMAIN}\nspeakers:\n{''.join(entries)}"
            text += f"released:\n{''.join(released)}" if released else ""
            process.stdin.write(_commit(number, text.encode()))
    subprocess.run(["git", "-C", str(root), "reset", "-q", "--hard"], check=True)


def _entry(number: int) -> str:
    if number % 3:
        return f"  - caller-{number:06}\n"
    return f"  - id: caller-{number:06}\n    requested_on: 2026-03-02\n    ticket: PRIV-{number}\n"


def _commit(number: int, text: bytes) -> bytes:
    message = f"Add people (#{number + 1})".encode()
    return (
        (
            f"commit refs/heads/main\ncommitter A <a@localhost> {_FIRST_DAY + number * 3600} +0000\n"
            f"data {len(message)}\n{message.decode()}\nM 100644 inline config/people.yaml\ndata {len(text)}\n"
        ).encode()
        + text
        + b"\n"
    )


def everybody(root: Path) -> Cost:
    """Measure since when each is listed."""
    start = time.perf_counter()
    found = listings(root, root / "config", domains={}, default_domain=None)
    return Cost(len(found), time.perf_counter() - start, _megabytes())


def one_person(root: Path) -> Cost:
    """Measure the whole history of one person."""
    start = time.perf_counter()
    found = histories(
        root, root / "config", lambda person: person[1] == "caller-000017", domains={}, default_domain=None
    )
    return Cost(len(found), time.perf_counter() - start, _megabytes())


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
