"""What Git tells a run: its commit, and where the register listed those whom it lists no longer.

Git may be missing, or a checkout without history: then nobody can tell, and nothing is said. Only objects are read,
and no identifier leaves this module.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.cli.context import People
from voiceid_optout.evidence.repository import Repository
from voiceid_optout.evidence.runs import newest_record
from voiceid_optout.forge.identifiers import Matcher
from voiceid_optout.plan import short
from voiceid_optout.register import load_texts
from voiceid_optout.register.faults import RegisterInvalid
from voiceid_optout.register.sources import SUFFIXES, shown
from voiceid_optout.state.backend import Backend

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from voiceid_optout.cli.context import Context
    from voiceid_optout.speakers import LabelKeys

_SHORT = 7  # digits of a commit
_BLOB = re.compile(rb"100\d{3} blob ([0-9a-f]+)\t(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Was:
    """Where somebody was listed, ``file:line`` at a commit, and the ticket there; neither names its people."""

    place: str
    commit: str
    ticket: str = ""

    def words(self, place: str) -> str:
        """Return ``file:line (commit)`` for the place as it may be shown."""
        return f"{place} ({self.commit[:_SHORT]})"


def places(context: Context, keys: LabelKeys, labels: Collection[str]) -> dict[str, Was]:
    """Return where people were: at the commit of the last run, the present one, or the one before.

    A label that none of them knows is left out.
    """
    found: dict[str, Was] = {}
    repository = _Repository(context)
    for commit in repository.commits():
        if found.keys() >= set(labels):
            break
        with suppress(RegisterInvalid):
            domains, default = context.domains()
            then = load_texts(repository.texts(commit), [], domains=domains, default_domain=default)
            known = People.of(then, keys)
            new = [label for label in labels if label in known.places and label not in found]
            if new:
                # Those who left may be in neither the register of today nor a state that can be unsealed.
                masked = Matcher({entry.speaker_id: "" for entry in then.entries}).masked
                found |= {
                    label: Was(masked(known.places[label]), commit, masked(known.tickets.get(label, "")))
                    for label in new
                }
    return found


def last_commit(context: Context) -> str:
    """Return the commit that the last run wrote into the stack's history; empty where none is known."""
    if context.remote_backend:
        return ""
    record = newest_record(Backend(context.backend(), context.project.name, context.stack).history_folder)
    return "" if record is None else record.commit or ""


class _Repository:
    """The objects of the repository that the project lies in."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._root = context.project.root
        self._git = Repository(self._root, context.environment)
        self._path = os.path.relpath(context.register_folder, self._root)

    def commits(self) -> Iterator[str]:
        """Yield the commits to look at, the likeliest one first and each once."""
        seen = {""}
        changed = self._git.asked("rev-list", "-1", "HEAD", "--", self._path).decode().strip()
        for name in (last_commit(self._context), "HEAD", f"{changed}^" if changed else ""):
            commit = self._git.commit(name) if name else ""
            if commit not in seen:
                seen.add(commit)
                yield commit

    def texts(self, commit: str) -> Iterator[tuple[str, bytes]]:
        """Yield the names of the register's files, as messages show them, and what they held."""
        folder = self._context.register_folder
        is_file = folder.suffix.lower() in SUFFIXES
        base = folder.parent if is_file else folder
        listing = self._git.asked("ls-tree", "-r", "-z", commit, "--", self._path if is_file else f"{self._path}/")
        entries = [found for entry in listing.split(b"\0") if (found := _BLOB.fullmatch(entry))]
        if not entries:
            return
        with self._git.blobs() as blobs:
            for entry in entries:
                path = Path(os.fsdecode(entry[2]))
                if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
                    name = Path(base.resolve().name) / os.path.relpath(self._root / path, base)
                    yield shown(name), blobs.read(entry[1].decode()) or b""


_COMMIT_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA")


def run_message(purpose: str, digest: str, root: Path, environment: Mapping[str, str]) -> str:
    """Return the message of a run: it names nobody, and leads to the review of what it did."""
    words = f"{purpose}: plan {short(digest)}"
    commit = commit_of(root, environment)
    return f"{words}, commit {commit}" if commit else words


def commit_of(root: Path, environment: Mapping[str, str]) -> str:
    """Return the commit CI works on, or the one that is checked out; empty where there is none."""
    for name in _COMMIT_VARIABLES:
        if found := environment.get(name):
            return found
    return Repository(root, environment).commit("HEAD")


def branch(root: Path, environment: Mapping[str, str]) -> str:
    """Return the branch that is checked out, also of a repository without a commit; empty where there is none."""
    asked = Repository(_nearest(root), environment).asked("symbolic-ref", "--quiet", "--short", "HEAD")
    return asked.decode(errors="replace").strip()


def top(root: Path, environment: Mapping[str, str]) -> Path | None:
    """Return the root of the repository that a folder, which need not be there yet, lies in."""
    return Repository(_nearest(root), environment).top()


_MOST_VERSIONS = 100  # of a file that are looked at


def earlier(
    root: Path, environment: Mapping[str, str], path: str, is_wanted: Callable[[bytes], bool]
) -> bytes | None:
    """Return the newest version of a file in the history that is wanted; None where there is none."""
    repository = Repository(root, environment)
    commits = repository.asked("log", f"-{_MOST_VERSIONS}", "--format=%H", "--", path).decode().split()
    versions = (repository.asked("cat-file", "blob", f"{commit}:./{path}") for commit in commits)
    return next(filter(is_wanted, versions), None)


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.is_dir())
