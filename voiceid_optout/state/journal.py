"""What a run has done so far, on top of the checkpoint it began with, and the file that keeps it.

The journal is the single place where the outcome of steps is kept. Every entry is also one line of the journal's
file, and replaying those lines over the same base gives the same checkpoint: so a killed run loses nothing that
the provider had acknowledged. The state file stays as it was until the run ends; a step costs the same few hundred
bytes whatever the size of the state. The first line names the state it continues, so a journal is never replayed
over another one.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from voiceid_optout.files import make_folder, read_json, sync_folder
from voiceid_optout.state import StateError, values
from voiceid_optout.state import resource as resources
from voiceid_optout.state.checkpoint import Checkpoint, PendingOperation, check_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from voiceid_optout.state.passphrase import Crypter
    from voiceid_optout.state.resource import ResourceState


_Key = tuple[str, bool, str]


class EntryKind(StrEnum):
    """What an entry of the journal says."""

    BEGIN = "begin"  # a step starts; its resource may exist from now on
    PUT = "put"  # the resource is as given
    SAME = "same"  # as put, but nothing was done: not worth a line in the journal
    REPLACED = "replaced"  # the old copy waits for its deletion beside the new one
    RENAMED = "renamed"  # the resource goes on under another URN
    REMOVE = "remove"  # the resource is gone
    FAILED = "failed"  # the step began and did not happen


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line: what happened to one resource.

    ``pending`` names the operation that begins, ``renamed`` is the URN from now on.
    """

    kind: EntryKind
    resource: ResourceState
    pending: str = ""
    renamed: str = ""


class Journal:
    """Thread-safe record of one run."""

    def __init__(
        self,
        base: Checkpoint,
        write: Callable[[JournalEntry], None] | None = None,
        sync: Callable[[], None] | None = None,
    ) -> None:
        """Begin with a checkpoint. ``write`` keeps an entry; ``sync`` returns once all it got is on disk."""
        self._write = write
        self._sync = sync
        self._lock = threading.Lock()
        self._old = {_key(item): item for item in base.resources}
        self._done: dict[_Key, ResourceState] = {}
        self._pending = {(item.resource.urn, item.type): item for item in base.pending}

    def record(self, kind: EntryKind, resource: ResourceState, pending: str = "", renamed: str = "") -> None:
        """Note an entry and write its line; that a step begins is on disk before it does.

        So not even a loss of power hides what the service was asked for. What came of it is lost then if no other
        step has begun since: the next run does it again. Raises what writing raises; the entry counts here all the
        same, since what it tells has happened.
        """
        entry = JournalEntry(kind, resource, pending, renamed)
        with self._lock:
            self.apply(entry)
            if self._write is not None and kind is not EntryKind.SAME:
                self._write(entry)
        if kind is EntryKind.BEGIN and self._sync is not None:
            self._sync()

    def apply(self, entry: JournalEntry) -> None:
        """Bring the record up to date with an entry (used alone to replay a journal)."""
        resource = entry.resource
        key = _key(resource)
        if entry.kind is EntryKind.BEGIN:
            self._pending[resource.urn, entry.pending] = PendingOperation(resource, entry.pending)
            return
        if entry.kind is EntryKind.RENAMED:
            self._rename(resource.urn, entry.renamed)
            return
        if entry.kind is EntryKind.REPLACED:
            old = replace(resource, delete=True)
            self._done.pop(key, None)
            self._old.pop(key, None)
            self._old[_key(old)] = old
            return
        for operation in ("creating", "updating", "deleting"):
            if entry.kind is not EntryKind.SAME or operation != "creating":
                self._pending.pop((resource.urn, operation), None)
        match entry.kind:
            case EntryKind.PUT | EntryKind.SAME:
                self._done.pop(key, None)
                self._old.pop(key, None)
                self._done[key] = resource
            case EntryKind.REMOVE:
                self._done.pop(key, None)
                self._old.pop(key, None)

    def _rename(self, old: str, new: str) -> None:
        """Change the URN wherever it stands: what this run does not come to still refers to it."""
        self._done, self._old = (
            {_key(item): item for item in (_renamed(one, old, new) for one in items.values())}
            for items in (self._done, self._old)
        )
        pending = [replace(one, resource=_renamed(one.resource, old, new)) for one in self._pending.values()]
        self._pending = {(one.resource.urn, one.type): one for one in pending}

    def forget_creates(self) -> None:
        """Forget which creates an earlier run was killed in: what is still declared has been made by now."""
        with self._lock:
            self._pending = {key: one for key, one in self._pending.items() if one.type != "creating"}

    def checkpoint(self) -> Checkpoint:
        """Return the state now: what this run finished, in that order, then what it has not touched."""
        with self._lock:
            ordered = tidy((*self._done.values(), *self._old.values()))
            return Checkpoint(ordered, tuple(self._pending.values()))


def _renamed(item: ResourceState, old: str, new: str) -> ResourceState:
    def now(urn: str) -> str:
        return new if urn == old else urn

    if old not in (item.urn, *item.uses):
        return item
    return replace(
        item,
        urn=now(item.urn),
        parent=now(item.parent),
        dependencies=tuple(map(now, item.dependencies)),
        property_dependencies={key: list(map(now, urns)) for key, urns in item.property_dependencies.items()},
        deleted_with=now(item.deleted_with),
    )


def _key(resource: ResourceState) -> _Key:
    # Of old copies there may be several: their ids tell them apart.
    return resource.urn, resource.delete, resource.id if resource.delete else ""


def tidy(resources: Iterable[ResourceState]) -> tuple[ResourceState, ...]:
    """Return the resources in a valid order, close to the given one.

    A reference to a resource that is gone is dropped, as the official engine does: a state that holds one is
    refused by both engines.
    """
    items = list(resources)
    present = {item.urn for item in items if not item.delete}
    return _topological([_without_missing(item, present) for item in items])


def _without_missing(item: ResourceState, present: Collection[str]) -> ResourceState:
    if all(urn in present for urn in item.uses):
        return item
    return replace(
        item,
        parent=item.parent if item.parent in present else "",
        deleted_with=item.deleted_with if item.deleted_with in present else "",
        dependencies=tuple(urn for urn in item.dependencies if urn in present),
        property_dependencies={
            key: [urn for urn in urns if urn in present] for key, urns in item.property_dependencies.items()
        },
    )


def _topological(items: list[ResourceState]) -> tuple[ResourceState, ...]:
    """Keep the order, but move what is used in front of its users. No recursion: chains may be long."""
    by_urn = {item.urn: number for number, item in enumerate(items) if not item.delete}
    result: list[ResourceState] = []
    placed: set[int] = set()
    entered: set[int] = set()
    for start in range(len(items)):
        stack = [start]
        while stack:
            number = stack[-1]
            needs = () if number in entered else (by_urn.get(urn) for urn in items[number].uses)
            entered.add(number)
            waiting = [need for need in needs if need is not None and need not in entered]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            if number not in placed:
                placed.add(number)
                result.append(items[number])
    return tuple(result)


def fingerprint(content: bytes | None) -> str:
    """Return what names a state file's content: a journal says which it goes on from."""
    return "no state" if content is None else hashlib.sha256(content).hexdigest()


class JournalFile:
    """Appends entries to the journal file; opened at the first entry, so a run without steps leaves none."""

    def __init__(self, path: Path, crypter: Crypter, base: str) -> None:
        """``base`` is the fingerprint of the state that the run begins with."""
        self._path = path
        self._crypter = crypter
        self._base = base
        self._handle: int | None = None
        self._size = 0
        self._syncing = threading.Lock()
        self._synced = 0  # bytes that are on disk

    def append(self, entry: JournalEntry) -> None:
        """Write one entry through to the operating system; raises :class:`StateError`."""
        line: dict[str, Any] = {"kind": entry.kind.value}
        if entry.pending:
            line["pending"] = entry.pending
        if entry.renamed:
            line["renamed"] = entry.renamed
        line["resource"] = resources.to_json(entry.resource, self._crypter.encrypt)
        try:
            if self._handle is None:
                make_folder(self._path.parent)
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                sync_folder(self._path.parent)
            if self._size == 0:
                self._write(self._handle, {"base": self._base})
            self._write(self._handle, line)
        except OSError as error:
            raise StateError(f"cannot write the journal {self._path}: {error.strerror}") from error

    def sync(self) -> None:
        """Wait until what was appended is on disk; raises :class:`StateError`. Many who wait share one sync."""
        wanted = self._size
        with self._syncing:
            if self._handle is None or self._synced >= wanted:
                return
            size = self._size
            try:
                os.fsync(self._handle)
            except OSError as error:
                raise StateError(f"cannot write the journal {self._path}: {error.strerror}") from error
            self._synced = size

    def _write(self, handle: int, line: dict[str, Any]) -> None:
        """Write a whole line or none: half a line would hide those after it."""
        data = f"{values.to_text(line)}\n".encode()
        try:
            written = 0
            while written < len(data):
                written += os.write(handle, data[written:])
        except OSError:
            os.ftruncate(handle, self._size)
            os.lseek(handle, self._size, os.SEEK_SET)
            raise
        self._size += len(data)

    def leave(self) -> None:
        """Write no more; the file stays for the next run to recover from."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def close(self) -> None:
        """End the journal once its content is in the state file."""
        self.leave()
        discard(self._path)


def discard(path: Path) -> None:
    """Remove a journal whose content is in the state file; one that stays is of another state, and ignored."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def recover(path: Path, base: Checkpoint, mark: str, decrypt: Callable[[str], str]) -> Checkpoint | None:
    """Return what a killed run left, or None when there is nothing to recover.

    ``mark`` is the fingerprint of the state file that ``base`` was read from. A journal of another one is ignored:
    its run had already written its state, or another engine has since.
    """
    journal = Journal(base)
    found = False
    for entry in _entries(path, mark, decrypt):
        journal.apply(entry)
        found = True
    return journal.checkpoint() if found else None


def _entries(path: Path, mark: str, decrypt: Callable[[str], str]) -> Iterator[JournalEntry]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StateError(f"cannot read the journal {path}: {error.strerror}") from error
    for number, line in enumerate(lines):
        try:
            document = read_json(line)
        except ValueError:
            return  # what was being written when the run was killed, or when power was lost
        try:
            if number == 0:
                if document["base"] != mark:
                    return
                continue
            check_shape(document["resource"], str(path))
            resource = resources.from_json(document["resource"], decrypt)
            pending, renamed = (document.get(key, "") for key in ("pending", "renamed"))
            entry = JournalEntry(EntryKind(document["kind"]), resource, "" + pending, "" + renamed)
        except (LookupError, TypeError, ValueError, AttributeError, StateError):
            raise StateError(
                f"line {number + 1} of the journal {path} is damaged. It holds what a killed run had done; "
                f"move the file away to go on without it"
            ) from None
        yield entry
