"""The stack's lock: one file in the stack's lock folder, as the official ``file://`` backend keeps it."""

from __future__ import annotations

import getpass
import json
import os
import socket
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceid_optout.files import read_json, write_atomic
from voiceid_optout.foreign_text import one_line
from voiceid_optout.state import StackLockedError, StateError
from voiceid_optout.state.checkpoint import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SHOWN = 100  # characters of what another's lock says


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file's content; the fields are empty where the file does not tell."""

    path: Path
    pid: int
    username: str
    hostname: str
    since: str

    @property
    def is_abandoned(self) -> bool:
        """Whether its process ran on this machine and is gone."""
        return self._is_of_here and not _alive(self.pid)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs on this machine."""
        return self._is_of_here and _alive(self.pid)

    @property
    def _is_of_here(self) -> bool:
        return self.pid > 0 and self.hostname == socket.gethostname()

    @property
    def holder(self) -> str:
        """Who holds it, in words."""
        return f"{self.username or 'someone'}@{self.hostname or 'an unknown host'} (pid {self.pid or '?'})"


@contextmanager
def held(folder: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the stack's lock; an abandoned one of this machine is taken over and reported.

    Raises :class:`StackLockedError` while another run holds it. As with the CLI, of two that start in the
    same moment both may be refused, never both let in.
    """
    _refuse(folder, None, report)
    path = folder / f"{uuid.uuid4()}.json"
    content = {
        "pid": os.getpid(),
        "username": _username(),
        "hostname": socket.gethostname(),
        "timestamp": timestamp(datetime.now(UTC)),
    }
    try:
        write_atomic(path, json.dumps(content, separators=(",", ":")).encode(), 0o644)
    except OSError as error:
        raise StateError(f"cannot write the lock {path}: {error.strerror}") from error
    try:
        _refuse(folder, path, report)
        yield
    finally:
        path.unlink(missing_ok=True)


def is_held(folder: Path) -> bool:
    """Tell whether a run that may still be alive holds the lock."""
    return any(not lock.is_abandoned for lock in read_all(folder))


def remove(lock: Lock) -> None:
    """Remove a lock, and the sidecar that the CLI writes beside it; raises :class:`StateError`."""
    try:
        lock.path.unlink(missing_ok=True)
        lock.path.with_name(f"{lock.path.name}.attrs").unlink(missing_ok=True)
    except OSError as error:
        raise StateError(f"cannot remove the lock {lock.path}: {error.strerror}") from error


def _refuse(folder: Path, own: Path | None, report: Callable[[str], None]) -> None:
    for lock in read_all(folder):
        if lock.path == own:
            continue
        if lock.is_abandoned:
            report(f"took over the lock of {lock.holder} since {lock.since}: that process is gone")
            remove(lock)
            continue
        raise StackLockedError(lock.holder, lock.since or "an unknown time", lock.path)


def read_all(folder: Path) -> Iterator[Lock]:
    """Yield every lock in the folder; any file but a sidecar counts, readable or not."""
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix == ".attrs":
            continue
        try:
            content = read_json(path.read_bytes())
        except FileNotFoundError:
            continue  # released while we looked
        except (OSError, ValueError):
            content = {}
        yield _lock(path, content if isinstance(content, dict) else {})


def _lock(path: Path, content: dict[str, Any]) -> Lock:
    pid = content.get("pid")
    texts = (content.get(key) for key in ("username", "hostname", "timestamp"))
    who, where, since = (one_line(text, _SHOWN) if isinstance(text, str) else "" for text in texts)
    return Lock(path, pid if isinstance(pid, int) else 0, who, where, since)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()  # a zombie has ended
    except OSError:
        return True  # no such folder here, or it ended this moment: the next look will tell


def _username() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
