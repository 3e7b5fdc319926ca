"""What a run has done so far, on top of the checkpoint it began with.

The journal is the single place where the outcome of steps is kept. Every entry is also one line of the journal's
file, and replaying those lines over the same base gives the same checkpoint: that is how a killed run is recovered.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from voiceid_optout.state.checkpoint import Checkpoint, PendingOperation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

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
class Entry:
    """One line: what happened to one resource.

    ``pending`` names the operation that begins, ``renamed`` is the URN from now on.
    """

    kind: EntryKind
    resource: ResourceState
    pending: str = ""
    renamed: str = ""


class Journal:
    """Thread-safe record of one run."""

    def __init__(self, base: Checkpoint, write: Callable[[Entry], None] | None = None) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._old = {_key(item): item for item in base.resources}
        self._done: dict[_Key, ResourceState] = {}
        self._pending = {(item.resource.urn, item.type): item for item in base.pending}

    def record(self, kind: EntryKind, resource: ResourceState, pending: str = "", renamed: str = "") -> None:
        """Note an entry and write its line.

        Raises what writing raises; the entry counts here all the same, since what it tells has happened.
        """
        entry = Entry(kind, resource, pending, renamed)
        with self._lock:
            self.apply(entry)
            if self._write is not None and kind is not EntryKind.SAME:
                self._write(entry)

    def apply(self, entry: Entry) -> None:
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
            case _:
                pass

    def _rename(self, old: str, new: str) -> None:
        """Change the URN wherever it stands: what this run does not come to still refers to it."""
        self._done, self._old = (
            {_key(item): item for item in (_renamed(one, old, new) for one in items.values())}
            for items in (self._done, self._old)
        )
        pending = [replace(one, resource=_renamed(one.resource, old, new)) for one in self._pending.values()]
        self._pending = {(one.resource.urn, one.type): one for one in pending}

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
