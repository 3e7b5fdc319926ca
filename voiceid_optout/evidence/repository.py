"""The one place that runs Git. Objects are read, nothing is fetched, and nothing is written.

Whatever Git tells was written by others: names, subjects and paths are bytes that nobody has checked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.evidence import EvidenceError
from voiceid_optout.register.sources import MAX_BYTES, SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_QUESTION_SECONDS = 10
# Git must ask no server for what a partial clone left out (older versions know no word for that alone, so no
# transport is allowed), and take no object for another one.
_VARIABLES = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RAW = re.compile(rb":(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) [A-Z]\d*")
_FORMAT = ("%H", "%P", "%ct", "%an", "%s", "%b")
_PULL_REQUEST = (
    re.compile(r"\AMerge pull request #(\d{1,9}) from "),  # GitHub, a merge
    re.compile(r"\A[^\n]*\(#(\d{1,9})\)[ \t]*(?:\n|\Z)"),  # GitHub, a squash
    re.compile(r"^See merge request \S*!(\d{1,9})[ \t]*$", re.MULTILINE),  # GitLab
)
_LAST_SECOND = 253_402_300_799  # of the year 9999
_OPTIONS = ("--no-optional-locks", "--literal-pathspecs")
_ALIKE = "40%"  # of a file's text is the other's, if it was renamed
_FILE = b"100"  # begins the mode of one
_LONGEST_ANSWER = 512
_WORDS = 3  # of an answer about an object: hash, kind, size


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; ``at`` is the committer's time in UTC, ``author`` is a text that others wrote."""

    hash: str
    parents: tuple[str, ...]
    at: datetime
    author: str = field(repr=False)
    message: str = field(repr=False)

    @property
    def pull_request(self) -> int | None:
        """The number of the pull or merge request that the message names, as GitHub and GitLab write it."""
        for pattern in _PULL_REQUEST:
            if found := pattern.search(self.message):
                return int(found[1])
        return None


@dataclass(frozen=True, slots=True)
class Change:
    """A commit, and each path that it changed with the blobs before and after; None where there is no file.

    A merge is compared with its first parent.
    """

    commit: Commit
    paths: tuple[tuple[str, str | None, str | None], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository that a directory lies in."""

    directory: Path
    environment: Mapping[str, str] = field(repr=False)

    def asked(self, *arguments: str) -> bytes:
        """Return what Git prints, nothing if it refuses, takes too long or is not there."""
        if (git := self._git()) is None:
            return b""
        try:
            answer = subprocess.run(  # noqa: S603 - git from PATH; of others' texts only names behind `--`
                [git, *_OPTIONS, *arguments],
                cwd=self.directory,
                env={**self.environment, **_VARIABLES},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=_QUESTION_SECONDS,
            )
        except (OSError, subprocess.SubprocessError):
            return b""
        return answer.stdout if answer.returncode == 0 else b""

    def commit(self, name: str) -> str:
        """Return the hash of a commit by any name; empty where there is none."""
        answer = self.asked("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return answer.decode().strip()

    def top(self) -> Path | None:
        """Return the folder of the work tree, None where there is none."""
        answer = self.asked("rev-parse", "--show-toplevel")
        return Path(os.fsdecode(answer.removesuffix(b"\n"))) if answer else None

    def shallow(self) -> frozenset[str]:
        """Return the commits whose parents a shallow clone has left out."""
        folder = self.asked("rev-parse", "--git-path", "shallow").removesuffix(b"\n")
        try:
            lines = (self.directory / os.fsdecode(folder)).read_text("ascii").split() if folder else []
        except (OSError, ValueError):
            return frozenset()
        return frozenset(lines)

    def changes(self, *words: str, paths: Sequence[str]) -> list[Change]:
        """Return the commits that changed something below the paths, as ``git log`` finds them.

        ``words`` are its arguments; paths begin at the directory. Raises EvidenceError where Git fails half-way.
        """
        asked = (
            *("-c", "log.showSignature=false", "log", "--encoding=UTF-8", "-z", "--raw", "--no-abbrev"),
            *("--no-renames", "--diff-merges=first-parent", f"--format=tformat:{'%x00'.join(_FORMAT)}", *words),
        )
        with self._started(*asked, "--", *paths) as process:
            output = process.stdout.read() if process.stdout is not None else b""
        if process.returncode != 0:
            raise EvidenceError(
                "Git cannot read the whole history here: fetch all of it (a clone without --filter)"
            )
        return list(_changes(output))

    def renamed_from(self, before: str, after: str, is_wanted: Callable[[str], bool]) -> str | None:
        """Return the path that most of a wanted path's text came from, between two commits; None if it was new."""
        words = ("diff-tree", "-r", "-z", "--name-status", f"-M{_ALIKE}", f"-C{_ALIKE}", "--diff-filter=RC")
        answer = self.asked(*words, before, after).split(b"\0")
        for _, source, target in zip(*[iter(answer)] * 3, strict=False):
            if is_wanted(os.fsdecode(target)) and os.fsdecode(source).lower().endswith(SUFFIXES):
                return os.fsdecode(source)
        return None

    @contextmanager
    def blobs(self) -> Iterator[Blobs]:
        """Give what reads blobs, one process for all that are here."""
        with ExitStack() as started:
            yield Blobs(lambda: started.enter_context(self._started("cat-file", "--batch")))

    @contextmanager
    def _started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        git = self._git()
        if git is None:
            raise EvidenceError("Git is not on PATH: the history cannot be read")
        try:
            process = subprocess.Popen(  # noqa: S603 - as above
                [git, *_OPTIONS, *arguments],
                cwd=self.directory,
                env={**self.environment, **_VARIABLES},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise EvidenceError(f"Git cannot be started: {error.strerror}") from None
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
            finally:
                if process.stdin is not None:
                    with suppress(OSError):
                        process.stdin.close()

    def _git(self) -> str | None:
        return shutil.which("git", path=self.environment.get("PATH"))


class Blobs:
    """Reads blobs by their hashes."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        """``start`` starts the process: Git ends it at a blob that a partial clone has left out."""
        self._start = start
        self._process = start()

    def read(self, blob: str) -> bytes | None:
        """Return a blob; None if it is not here, is none, or is larger than any register file may be."""
        if self._process.poll() is not None:
            self._process = self._start()
        questions, answers = self._process.stdin, self._process.stdout
        if questions is None or answers is None:
            return None
        with suppress(OSError):
            questions.write(f"{blob}\n".encode())
            questions.flush()
        answer = answers.readline(_LONGEST_ANSWER)
        if not answer:
            self._process.wait()
        words = answer.split()
        if len(words) != _WORDS:
            return None
        kind, size = words[1], int(words[2])
        if kind == b"blob" and size <= MAX_BYTES:
            data = answers.read(size)
        else:
            data = None
            while size > 0:
                size -= len(answers.read(min(size, MAX_BYTES))) or size
        answers.read(1)
        return data


def _changes(output: bytes) -> Iterator[Change]:
    tokens = iter(output.split(b"\0"))
    commit: Commit | None = None
    paths: list[tuple[str, str | None, str | None]] = []
    for token in tokens:
        if raw := _RAW.fullmatch(token.removeprefix(b"\n")):
            path = os.fsdecode(next(tokens, b""))
            before, after = (
                blob.decode() if mode.startswith(_FILE) else None
                for mode, blob in ((raw[1], raw[3]), (raw[2], raw[4]))
            )
            paths.append((path, before, after))
            continue
        if commit is not None:
            yield Change(commit, tuple(paths))
            paths = []
        if _OBJECT.fullmatch(token.decode("ascii", "replace")) is None:
            return
        commit = _commit(token, [next(tokens, b"") for _ in _FORMAT[1:]])
    if commit is not None:
        yield Change(commit, tuple(paths))


def _commit(name: bytes, fields: list[bytes]) -> Commit:
    parents, seconds, author, subject, body = (field.decode("utf-8", "replace") for field in fields)
    # Git reads times of any length, and this calendar ends.
    at = datetime.fromtimestamp(min(max(int(seconds or 0), 0), _LAST_SECOND), UTC)
    return Commit(name.decode(), tuple(parents.split()), at, author, f"{subject}\n{body}")
