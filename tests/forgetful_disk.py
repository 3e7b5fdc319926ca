"""A disk that forgets what was not synced: what a folder may be after the power failed at some moment.

What is done to a folder is a list of operations. Of those that no sync came after, a crash may keep any: data by
blocks, in any order and torn; names by folder. A synced file has its content, but a name only if its folder was
synced since. File systems in use keep more of the order than that; what survives this survives them.

:func:`recorded` writes the list for what this process does. It looks at the folder before and after each call that
can change it, so how a file was written to does not matter.
"""

from __future__ import annotations

import os
import stat
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

BLOCK = 512  # what a disk writes whole or not at all
CHANGES = (
    *("open", "write", "ftruncate", "truncate", "close", "replace", "rename", "link", "symlink"),
    *("unlink", "remove", "mkdir", "rmdir"),
)
SYNCS = ("fsync", "fdatasync")
ZEROS = 0.1  # how often a file has grown although its data are lost
ROOT = 0

Tree = dict[str, bytes | None]  # by path; None is a folder


@dataclass(frozen=True)
class Operation:
    """One thing that was done to a file or folder, by its number: what is set tells what.

    ``names`` are those of a folder that change in one step, None for one that goes.
    """

    target: int = ROOT
    names: dict[str, int | None] | None = None
    write: tuple[int, bytes] | None = None
    size: int | None = None
    sync: bool = False
    mark: str = ""


@dataclass
class Log:
    """What was done, in order, and which numbers are folders. Before ``begin`` is how the disk was at first."""

    operations: list[Operation] = field(default_factory=list)
    folders: set[int] = field(default_factory=lambda: {ROOT})
    begin: int = 0

    def write(self, target: int, offset: int, data: bytes) -> None:
        """Note a write, a block at a time."""
        edges = [offset, *range((offset // BLOCK + 1) * BLOCK, offset + len(data), BLOCK), offset + len(data)]
        for begin, end in pairwise(edges):
            self.operations.append(Operation(target, write=(begin, data[begin - offset : end - offset])))

    def change(self, target: int, old: bytes, new: bytes) -> None:
        """Note that a file's content is another now."""
        if len(new) < len(old):
            self.operations.append(Operation(target, size=len(new)))
        for offset in range(0, len(new), BLOCK):
            if new[offset : offset + BLOCK] != old[offset : offset + BLOCK]:
                begin = offset if offset >= len(old) else _first_difference(old, new, offset)
                self.write(target, begin, new[begin : offset + BLOCK])


def _first_difference(old: bytes, new: bytes, offset: int) -> int:
    pairs = zip(old[offset : offset + BLOCK], new[offset : offset + BLOCK], strict=False)
    return offset + next((at for at, (one, other) in enumerate(pairs) if one != other), len(old) - offset)


class Disk:
    """What is surely kept, and what may be, after so many operations."""

    def __init__(self, folders: set[int]) -> None:
        self._folders = folders
        self._names: dict[int, dict[str, int]] = {}
        self._contents: dict[int, bytearray] = {}
        self._open: dict[int, list[Operation]] = {}  # by target, what no sync came after

    def do(self, operation: Operation) -> None:
        """Take one more operation."""
        target = operation.target
        if operation.sync:
            for one in self._open.pop(target, []):
                self._settle(one, self._names, self._contents)
        elif not operation.mark:
            self._open.setdefault(target, []).append(operation)

    def crash(self, kept: Callable[[Operation], Operation | None]) -> Tree:
        """Return what is there after a crash; it is asked what it keeps of each operation that is not synced."""
        names = {target: dict(entries) for target, entries in self._names.items()}
        contents = {target: bytearray(content) for target, content in self._contents.items()}
        for pending in self._open.values():
            for operation in filter(None, map(kept, pending)):
                self._settle(operation, names, contents)
        tree: Tree = {}
        self._walk(ROOT, "", names, contents, tree)
        return tree

    @staticmethod
    def _settle(operation: Operation, names: dict[int, dict[str, int]], contents: dict[int, bytearray]) -> None:
        target = operation.target
        if operation.names is not None:
            entries = names.setdefault(target, {})
            entries.update({name: number for name, number in operation.names.items() if number is not None})
            for name in [name for name, number in operation.names.items() if number is None]:
                entries.pop(name, None)
        elif operation.size is not None:
            content = contents.setdefault(target, bytearray())
            del content[operation.size :]
            content.extend(bytes(operation.size - len(content)))
        elif operation.write is not None:
            offset, data = operation.write
            content = contents.setdefault(target, bytearray())
            content.extend(bytes(max(offset - len(content), 0)))
            content[offset : offset + len(data)] = data

    def _walk(
        self, folder: int, path: str, names: dict[int, dict[str, int]], contents: dict[int, bytearray], tree: Tree
    ) -> None:
        for name, number in names.get(folder, {}).items():
            below = f"{path}{name}"
            if number in self._folders:
                tree[below] = None
                self._walk(number, f"{below}/", names, contents, tree)
            else:
                tree[below] = bytes(contents.get(number, b""))


def crashes(log: Log, dice: random.Random, more: int, share: float = 1) -> Iterator[tuple[int, Tree]]:
    """Yield how many operations were done, and what a crash then leaves: nothing more, all, and ``more`` others.

    ``share`` is how many of the moments are looked at.
    """
    disk = Disk(log.folders)
    for count, operation in enumerate(log.operations, 1):
        disk.do(operation)
        if operation.mark or count <= log.begin or dice.random() > share:
            continue
        yield count, disk.crash(lambda _: None)
        yield count, disk.crash(lambda one: one)
        for _ in range(more):
            yield count, disk.crash(_some(dice))


def _some(dice: random.Random) -> Callable[[Operation], Operation | None]:
    share = dice.random()

    def kept(operation: Operation) -> Operation | None:
        if dice.random() < share:
            return operation
        if operation.write is not None and dice.random() < ZEROS:
            offset, data = operation.write
            return replace(operation, write=(offset, bytes(len(data))))
        return None

    return kept


def marks(log: Log, count: int) -> list[str]:
    """Return the marks among the first operations."""
    return [operation.mark for operation in log.operations[:count] if operation.mark]


def lay_out(tree: Tree, folder: Path) -> None:
    """Write what is there into a new folder."""
    folder.mkdir()
    for name, content in tree.items():
        if content is None:
            (folder / name).mkdir()
        else:
            (folder / name).write_bytes(content)


class Recorder:
    """Looks at a folder, and notes what has changed since it last did. Thread-safe."""

    def __init__(self, root: Path) -> None:
        self.log = Log()
        self._root = root
        self._lock = threading.RLock()
        self._numbers: dict[int, int] = {}  # by inode, of what is there now
        self._next = ROOT + 1
        self._seen: dict[int, bytes | dict[str, int]] = {ROOT: {}}
        self.look()
        self.log.operations += [Operation(target, sync=True) for target in self._seen]
        self.log.begin = len(self.log.operations)

    def mark(self, text: str) -> None:
        """Note that something was told to somebody."""
        with self._lock:
            self.look()
            self.log.operations.append(Operation(mark=text))

    def look(self) -> None:
        """Note what has changed."""
        numbers: dict[int, int] = {self._root.stat().st_ino: ROOT}
        found: dict[int, bytes | dict[str, int]] = {}
        self._read(str(self._root), ROOT, numbers, found)
        for number, content in found.items():
            before = self._seen.get(number)
            if isinstance(content, bytes):
                self.log.change(number, before if isinstance(before, bytes) else b"", content)
        for number, content in found.items():
            if isinstance(content, dict):
                self.log.folders.add(number)
                before = self._seen.get(number)
                old = before if isinstance(before, dict) else {}
                names: dict[str, int | None] = {
                    name: content.get(name) for name in (old | content) if old.get(name) != content.get(name)
                }
                if names:
                    self.log.operations.append(Operation(number, names=names))
        self._numbers, self._seen = numbers, found

    def _read(
        self, path: str, number: int, numbers: dict[int, int], found: dict[int, bytes | dict[str, int]]
    ) -> None:
        names: dict[str, int] = {}
        found[number] = names
        for entry in os.scandir(path):
            inode = entry.inode()
            if inode not in numbers:
                known = self._numbers.get(inode)
                if known is None:
                    known, self._next = self._next, self._next + 1
                numbers[inode] = known
            names[entry.name] = numbers[inode]
            if entry.is_dir(follow_symlinks=False):
                self._read(entry.path, numbers[inode], numbers, found)
            elif numbers[inode] not in found:
                with open(entry.path, "rb") as file:  # noqa: PTH123 - scandir gives texts
                    found[numbers[inode]] = file.read()

    def around(self, call: Callable[..., Any], *, syncs: bool) -> Callable[..., Any]:
        """Return a function of ``os`` that is looked at."""

        @wraps(call)
        def looked_at(*args: Any, **named: Any) -> Any:
            if isinstance(args[0], int) and not _is_of_folder(args[0]):
                return call(*args, **named)
            with self._lock:
                self.look()
                target = self._numbers.get(os.fstat(args[0]).st_ino) if syncs else None
                result = call(*args, **named)
                if target is not None:
                    self.log.operations.append(Operation(target, sync=True))
                self.look()
                return result

        return looked_at


def _is_of_folder(handle: int) -> bool:
    """Tell whether a descriptor is of a file or folder: a write to a pipe may wait for another thread."""
    try:
        mode = os.fstat(handle).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


@contextmanager
def recorded(root: Path, patch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    """Record what this process does to a folder for the time of the block."""
    recorder = Recorder(root)
    with patch.context() as patched:
        for names, syncs in ((CHANGES, False), (SYNCS, True)):
            for name in names:
                patched.setattr(os, name, recorder.around(getattr(os, name), syncs=syncs))
        yield recorder
