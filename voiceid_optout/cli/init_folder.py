"""The folder that ``optout init`` writes into: all files or none, nobody else's, and none outside.

New files are made ready in a folder of their own beside their places, and then linked to them one by one, the
record last. A run that was killed leaves that folder: the next one takes away what it had linked, and nothing else.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.init_files import AnswerInvalid, Answers, check
from voiceid_optout.files import read_json, sync_folder, write_atomic
from voiceid_optout.foreign_text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RECORD = ".optout-init.json"
STAGING = ".optout-init.tmp"
_MOST_BYTES = 1_000_000  # of a file that is compared
_MODE = 0o644
_NO_LINKS = "it is a symbolic link, or lies below one: optout init follows none"


@dataclass(frozen=True, slots=True)
class Record:
    """What an earlier run wrote: of which version, for which answers, and the SHA-256 of each file."""

    version: str
    answers: Answers
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The record as it is written."""
        document = {"version": 1, "templates": self.version, "answers": self.answers.document()}
        return json.dumps({**document, "files": dict(sorted(self.files.items()))}, indent=2) + "\n"


def sha256(text: str) -> str:
    """Return the digest of a file as a record has it."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_record(root: Path) -> Record | None:
    """Return the record of a folder, None where there is none.

    Raises :class:`CommandError` for one that cannot be used: anybody who may write to the repository can change it.
    """
    text = read(root, RECORD)
    if text is None:
        return None
    try:
        document = read_json(text)
    except ValueError:
        document = None
    problem = "it is not a record of optout init"
    if isinstance(document, dict) and document.get("version") == 1:
        files, templates = document.get("files"), document.get("templates")
        try:
            answers = Answers.parse(document.get("answers"))
        except AnswerInvalid as error:
            problem = f"{error.name}: {error.problem}"
        else:
            is_version = isinstance(templates, str) and check("workflows_version", templates) is None
            if isinstance(files, dict) and all(map(_is_inside, files)) and is_version:
                return Record(str(templates), answers, {path: str(digest) for path, digest in files.items()})
            problem = "it names no version, or a file outside the folder"
    raise CommandError(f"{RECORD}: {one_line(problem, 200)}; restore it from Git", ExitCode.USAGE)


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and path == "/".join(parts) and ".." not in parts and path.isprintable()


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold the folder: of two runs in it the second one is refused. What a killed run left is taken away first."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"another optout init works in {root}: wait for it", ExitCode.LOCKED) from None
        _recover(root)
        yield
    finally:
        os.close(handle)


def read(root: Path, path: str) -> str | None:
    """Return the text of a file, None where there is none; raises :class:`CommandError` for what is no text."""
    _require_no_link(root, path)
    try:
        handle = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}", ExitCode.USAGE) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise CommandError(f"{path} is not a file", ExitCode.USAGE)
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(_MOST_BYTES + 1)
    finally:
        os.close(handle)
    try:
        if len(data) > _MOST_BYTES:
            raise CommandError(f"{path} is larger than {_MOST_BYTES:,} bytes", ExitCode.USAGE)
        return data.decode()
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not UTF-8", ExitCode.USAGE) from None


def occupied(root: Path, paths: Mapping[str, str]) -> list[str]:
    """Return which places of files are taken, or cannot be reached without a link or through a file."""
    taken = []
    for path in paths:
        above = [
            PurePosixPath(*PurePosixPath(path).parts[:depth]) for depth in range(1, len(PurePosixPath(path).parts))
        ]
        blocked = [
            str(folder) for folder in above if os.path.lexists(root / folder) and not _is_folder(root / folder)
        ]
        if blocked:
            taken += [name for name in blocked if name not in taken]
        elif os.path.lexists(root / path):
            taken.append(path)
    return taken


def create(root: Path, texts: Mapping[str, str], finish: Callable[[Path], None]) -> None:
    """Write all files and the record or, if anything goes wrong, none.

    ``finish`` gets the folder in which they are made ready, and may change them there. Raises what it raises, and
    :class:`CommandError`.
    """
    staging = root / STAGING
    try:
        staging.mkdir(mode=0o700)
        for path, text in texts.items():
            write_atomic(staging / path, text.encode(), _MODE)
        finish(staging)
        for path in sorted(texts, key=lambda name: (name == RECORD, name)):
            _place(staging / path, root, path)
        sync_folder(root)
    except BaseException as error:
        _recover(root)
        if isinstance(error, OSError):
            raise CommandError(f"cannot write into {root}: {error.strerror}; nothing was written") from error
        raise
    shutil.rmtree(staging)


def replace(root: Path, texts: Mapping[str, str]) -> None:
    """Write files in the place of those that are there, each in one step, the record last."""
    for path in sorted(texts, key=lambda name: (name == RECORD, name)):
        _require_no_link(root, path)
        try:
            write_atomic(root / path, texts[path].encode(), _MODE)
        except OSError as error:
            raise CommandError(f"cannot write {path}: {error.strerror}; run it again to go on") from error


def _place(source: Path, root: Path, path: str) -> None:
    """Give a file that is ready its place; what is there stays, and is a FileExistsError."""
    _require_no_link(root, path)
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(f"{path} is there") from None
        write_atomic(target, source.read_bytes(), _MODE)


def _recover(root: Path) -> None:
    """Take away what a run that did not end has made: files that are still linked to those it had ready.

    Where the file system has no links, files that only look the same are somebody's: they are named.
    """
    staging = root / STAGING
    if not os.path.lexists(staging):
        return
    if not _is_folder(staging):
        raise CommandError(f"{STAGING} is in the way: remove it", ExitCode.USAGE)
    ready = {path.relative_to(staging).as_posix() for path in _files(staging)}
    if RECORD in ready and _is_same(staging / RECORD, root / RECORD):  # all was done but this
        shutil.rmtree(staging)
        return
    reachable = sorted(path for path in ready if not _linked_above(root, path))
    for path in reachable:
        if _is_same(staging / path, root / path):
            (root / path).unlink()
    left = [one_line(path, 100) for path in reachable if _is_alike(staging / path, root / path)]
    above = {str(parent) for path in reachable for parent in list(PurePosixPath(path).parents)[:-1]}
    for folder in sorted(above, key=len, reverse=True):
        with suppress(OSError):  # others have files in it
            (root / folder).rmdir()
    shutil.rmtree(staging)
    if left:
        raise CommandError(
            f"an optout init in {root} was cut short. These files may be of it: remove them and run it again: "
            f"{', '.join(left)}",
            ExitCode.USAGE,
        )


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def _is_same(one: Path, other: Path) -> bool:
    """Tell whether two paths are names of one file."""
    with suppress(OSError):
        return stat.S_ISREG(one.lstat().st_mode) and os.path.samestat(one.lstat(), other.lstat())
    return False


def _is_alike(one: Path, other: Path) -> bool:
    with suppress(OSError):
        are_files = all(
            stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_size < _MOST_BYTES for path in (one, other)
        )
        return are_files and one.read_bytes() == other.read_bytes()
    return False


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _linked_above(root: Path, path: str) -> bool:
    parents = list(PurePosixPath(path).parents)[:-1]
    return any((root / parent).is_symlink() for parent in parents)


def _require_no_link(root: Path, path: str) -> None:
    if _linked_above(root, path) or (root / path).is_symlink():
        raise CommandError(f"{path}: {_NO_LINKS}", ExitCode.USAGE)
