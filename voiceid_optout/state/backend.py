"""The official ``file://`` backend's folder: where a stack's state, history and locks lie.

::

    .pulumi/meta.yaml
    .pulumi/stacks/<project>/<stack>.json           the state, and .bak: the one before
    .pulumi/history/<project>/<stack>/              one record and checkpoint a run
    .pulumi/backups/<project>/<stack>/              one checkpoint a run
    .pulumi/locks/organization/<project>/<stack>/   one file while a run is under way
    .pulumi/journals/<project>/<stack>.jsonl        ours: what the current run has done so far
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import json
import os
import re
import shutil
import socket
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceid_optout.files import atomic, name_again, read_json, remove, write_atomic
from voiceid_optout.foreign_text import one_line
from voiceid_optout.state import OutOfScope, OutOfScopeError, StackLockedError, StateError
from voiceid_optout.state.checkpoint import timestamp, upgraded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from voiceid_optout.state.checkpoint import Upgrade
    from voiceid_optout.state.project import StackConfig


META = b"version: 1\n"
_VERSION = re.compile(rb"^version:[ \t]*([0-9]{1,9})[ \t]*(?:#.*)?\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Backend:
    """One stack's place in a backend folder."""

    root: Path
    project: str
    stack: str

    @property
    def state_file(self) -> Path:
        """The checkpoint."""
        return self.root / ".pulumi" / "stacks" / self.project / f"{self.stack}.json"

    @property
    def lock_folder(self) -> Path:
        """Where any file is a lock."""
        return self.root / ".pulumi" / "locks" / "organization" / self.project / self.stack

    @property
    def journal_file(self) -> Path:
        """The current run's journal; the CLI does not look there."""
        return self.root / ".pulumi" / "journals" / self.project / f"{self.stack}.jsonl"

    @property
    def history_folder(self) -> Path:
        """One record a run, named by its time."""
        return self.root / ".pulumi" / "history" / self.project / self.stack

    def stamp(self) -> tuple[int, ...]:
        """Return what tells the state's file from the next one: every run writes a new file. Empty without one."""
        try:
            found = self.state_file.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def read(self) -> bytes | None:
        """Return the checkpoint's bytes, or None for a stack that has none yet."""
        self.require_layout()
        with _clear_errors("read", self.state_file):
            for compressed in (".gz", ".zst"):
                if self.state_file.with_suffix(f".json{compressed}").exists():
                    raise OutOfScopeError(OutOfScope.STATE_COMPRESSED, f"{self.state_file.name}{compressed}")
            try:
                return self.state_file.read_bytes()
            except FileNotFoundError:
                return None

    def write(self, content: bytes, *, keep: bool = True) -> None:
        """Replace the checkpoint; the one before stays as ``.bak``, unless it is not to be kept."""
        self.write_pieces([content], keep=keep)

    def write_pieces(self, pieces: Iterable[bytes], *, keep: bool = True) -> None:
        """Do the same with what is there in pieces, which are made one after the other: it may be large."""
        self.prepare()
        with _clear_errors("write", self.state_file):
            if keep and self.state_file.exists():
                _keep(self.state_file.with_name(f"{self.state_file.name}.bak"), self.state_file)
            _put(self.state_file, pieces)

    def upgrade(self, upgrade: Upgrade) -> bool:
        """Bring the state and the one before it to what is written today; tells whether the state was changed."""
        changed = False
        for path in (self.state_file.with_name(f"{self.state_file.name}.bak"), self.state_file):
            with _clear_errors("write", path):
                new = upgraded(path.read_bytes(), upgrade) if path.exists() else None
                if new is not None:
                    _put(path, [new])
                    changed |= path == self.state_file
        return changed

    def initialise(self) -> None:
        """Make the stack exist, empty, if it has no state yet: what ``pulumi stack init`` does."""
        if self.read() is None:
            checkpoint = {"stack": f"organization/{self.project}/{self.stack}", "latest": {"metadata": {}}}
            self.write(json.dumps({"version": 3, "checkpoint": checkpoint}, separators=(",", ":")).encode())

    def write_history(self, record: dict[str, Any], nanoseconds: int) -> None:
        """Keep the run's record and the checkpoint that it wrote, as ``pulumi stack history`` reads them.

        Not as another name of the state: somebody may edit that in place, and these are what helps then.
        """
        history = self.history_folder
        backups = self.root / ".pulumi" / "backups" / self.project / self.stack
        name = f"{self.stack}-{nanoseconds}"
        with _clear_errors("write", history):
            _put(history / f"{name}.history.json", [json.dumps(record, indent=4).encode()])
            kept = history / f"{name}.checkpoint.json"
            _keep(kept, self.state_file, _copy)
            _keep(backups / f"{self.stack}.{nanoseconds}.json", kept)

    def prepare(self) -> None:
        """Make the folder a backend, if it is none yet."""
        self.require_layout()
        with _clear_errors("write", self._meta):
            if not self._meta.exists():
                write_atomic(self._meta, META, 0o644)

    @property
    def _meta(self) -> Path:
        return self.root / ".pulumi" / "meta.yaml"

    def require_layout(self) -> None:
        """Raise :class:`StateError` unless the folder is a backend of version 1, or to become one.

        Version 0 knows no projects: its stacks lie one level higher, where nobody would look for them, and a stack
        that is there would be planned as new.
        """
        version: int | None = 1
        with _clear_errors("read", self._meta):
            if self._meta.exists():
                found = _VERSION.findall(self._meta.read_bytes())
                version = int(found[0]) if len(found) == 1 else None
            elif any(map(_is_state, (self.root / ".pulumi" / "stacks").glob("*.json*"))):
                version = 0
        if version == 0:
            raise StateError(
                f"{self.root} has the old layout of Pulumi's file backend, whose stacks belong to no project: run "
                f"`pulumi state upgrade` there once, with the Pulumi CLI"
            )
        if version != 1:
            what = "says no version" if version is None else f"is of version {version}"
            raise StateError(f"{self._meta} {what}; this program knows version 1 of Pulumi's file backend")


def _put(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file and the sidecar the CLI expects: removed first, since a wrong one is refused."""
    sidecar = _sidecar(path)
    remove(sidecar)
    digest = hashlib.md5(usedforsecurity=False)
    with atomic(path) as stream:
        for piece in pieces:
            digest.update(piece)
            stream.write(piece)
    attributes = {
        "user.cache_control": "",
        "user.content_disposition": "",
        "user.content_encoding": "",
        "user.content_language": "",
        "user.content_type": "text/plain; charset=utf-8",
        "user.metadata": None,
        "md5": base64.b64encode(digest.digest()).decode(),
    }
    write_atomic(sidecar, json.dumps(attributes, separators=(",", ":")).encode())


def _copy(path: Path, source: Path) -> None:
    with source.open("rb") as written, atomic(path) as stream:
        shutil.copyfileobj(written, stream)


def _keep(path: Path, source: Path, keep: Callable[[Path, Path], None] = name_again) -> None:
    """Keep a file and its sidecar under another name; both engines replace files and never change them."""
    remove(_sidecar(path))
    keep(path, source)
    if _sidecar(source).exists():  # it may do without
        name_again(_sidecar(path), _sidecar(source))


def _is_state(path: Path) -> bool:
    return path.name.endswith((".json", ".json.gz", ".json.zst")) and path.is_file()


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.attrs")


@contextmanager
def _clear_errors(verb: str, path: Path) -> Iterator[None]:
    """Turn an operating system's error about a path into a :class:`StateError` that says what to do."""
    try:
        yield
    except OSError as error:
        raise StateError(
            f"cannot {verb} {path}: {error.strerror or error}. Nothing that was there is lost; "
            f"make room or set the permissions right, and run the command again"
        ) from error


def stacks(root: Path, project: str) -> Iterator[str]:
    """Yield the names of the stacks that have a state."""
    for path in sorted((root / ".pulumi" / "stacks" / project).glob("*.json")):
        yield path.stem


def history_record(
    kind: str,
    message: str,
    config: StackConfig,
    sealed: Mapping[str, str],
    counts: Mapping[str, int],
    times: tuple[int, int],
    *,
    succeeded: bool,
) -> dict[str, Any]:
    """Return the record.

    ``kind`` is ``update``, ``refresh`` or ``destroy``; ``sealed`` holds the ciphertexts of secret config, ``times``
    are Unix seconds.
    """
    return {
        "kind": kind,
        "startTime": times[0],
        "message": message,
        "environment": {"exec.kind": "optout"},
        "config": {
            key: {"secure": sealed[key]} if key in config.secret_keys else value
            for key, value in config.values.items()
        },
        "version": 0,
        "result": "succeeded" if succeeded else "failed",
        "endTime": times[1],
        "resourceChanges": {kind: count for kind, count in sorted(counts.items()) if count} or None,
    }


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
        return self._is_of_here and not _is_alive(self.pid)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs on this machine."""
        return self._is_of_here and _is_alive(self.pid)

    @property
    def _is_of_here(self) -> bool:
        return self.pid > 0 and self.hostname == socket.gethostname()

    @property
    def holder(self) -> str:
        """Who holds it, in words."""
        return f"{self.username or 'someone'}@{self.hostname or 'an unknown host'} (pid {self.pid or '?'})"


@contextmanager
def hold_lock(folder: Path, report: Callable[[str], None]) -> Iterator[None]:
    """Hold the stack's lock; an abandoned one of this machine is taken over and reported.

    Raises :class:`StackLockedError` while another run holds it. As with the CLI, of two that start in the
    same moment both may be refused, never both let in.
    """
    _refuse_locked(folder, None, report)
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
        _refuse_locked(folder, path, report)
        yield
    finally:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # how the run ended counts more
            report(f"cannot remove the lock {path}: {error.strerror}; a run on this machine takes it over later")


def is_locked(folder: Path) -> bool:
    """Tell whether a run that may still be alive holds the lock."""
    return any(not lock.is_abandoned for lock in read_locks(folder))


def remove_lock(lock: Lock) -> None:
    """Remove a lock, and the sidecar that the CLI writes beside it; raises :class:`StateError`."""
    try:
        lock.path.unlink(missing_ok=True)
        lock.path.with_name(f"{lock.path.name}.attrs").unlink(missing_ok=True)
    except OSError as error:
        raise StateError(f"cannot remove the lock {lock.path}: {error.strerror}") from error


def _refuse_locked(folder: Path, own: Path | None, report: Callable[[str], None]) -> None:
    for lock in read_locks(folder):
        if lock.path == own:
            continue
        if lock.is_abandoned:
            report(f"took over the lock of {lock.holder} since {lock.since}: that process is gone")
            remove_lock(lock)
            continue
        raise StackLockedError(lock.holder, lock.since or "an unknown time", lock.path)


def read_locks(folder: Path) -> Iterator[Lock]:
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


def _is_alive(pid: int) -> bool:
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
