"""The system calls of a process, as strace tells them, on the disk of :mod:`tests.forgetful_disk`."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.forgetful_disk import ROOT, Log, Operation

CALLS = (
    *(
        "open",
        "openat",
        "creat",
        "write",
        "pwrite64",
        "writev",
        "ftruncate",
        "fsync",
        "fdatasync",
        "sendto",
        "sendmsg",
    ),
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "link", "linkat"),
)
_ON_HANDLES = ("write", "pwrite64", "writev", "ftruncate", "fsync", "fdatasync", "sendto", "sendmsg")
_CALL = re.compile(r"^\d+ +(\w+)\((.*?)(?:\) += (\S+).*| <unfinished \.\.\.>)$")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_HANDLE = re.compile(r"^(\d+)<([^>]*)>")


def command(output: Path) -> list[str]:
    """Return what to put before a command to have its calls in a file."""
    return ["strace", "-f", "-y", "-xx", "-s", "10000000", "-e", f"trace={','.join(CALLS)}", "-o", str(output)]


def _texts(words: str) -> list[bytes]:
    found = []
    for text, cut in _TEXT.findall(words):
        assert not cut, "strace has cut a text"
        found.append(bytes.fromhex(text.replace("\\x", "")))
    return found


def _path(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode() if text.startswith("\\x") else text


class Replay:
    """Makes the log of a folder. What is sent to sockets goes to ``sent``, which returns marks.

    A call that takes a while counts from its begin: a sync then covers what was there before it, and an answer is
    given as soon as it may be.
    """

    def __init__(self, root: Path) -> None:
        self.log = Log()
        self._root = root
        self._numbers: dict[Path, int] = {root: ROOT}
        self._ends: dict[int, int] = {}  # by number: how large the file is
        self._last = ROOT

    def take(self, lines: Iterator[str]) -> Iterator[tuple[int, bytes]]:
        """Take calls; yields where in the log something was sent, and what."""
        for line in lines:
            if (match := _CALL.match(line)) is None:
                continue
            name, words, result = match.groups()
            if result is not None and result.startswith("-1"):
                continue
            handle = _HANDLE.match(words)
            path = _path(handle[2]) if handle else ""
            if path.startswith("socket:"):
                yield len(self.log.operations), b"".join(_texts(words))
            else:
                self._change(name, words, Path(path) if path else None)

    def _change(self, name: str, words: str, opened: Path | None) -> None:
        paths = [Path(text.decode()) for text in _texts(words)] if name not in _ON_HANDLES else []
        match name.removesuffix("2").removesuffix("at"):
            case "open":
                if "O_CREAT" in words:
                    self._new(paths[0], folder=False)
                if "O_TRUNC" in words:
                    self._resize(paths[0], 0)
            case "mkdir":
                self._new(paths[0], folder=True)
            case "unlink":
                self._names({paths[0]: None})
            case "rename" | "link":
                if number := self._numbers.get(paths[0]):
                    gone: dict[Path, int | None] = {paths[0]: None} if name.startswith("rename") else {}
                    self._names({**gone, paths[1]: number})
            case _:
                if opened in self._numbers:
                    self._on_handle(name, opened, words, b"".join(_texts(words)))

    def _on_handle(self, name: str, path: Path, words: str, data: bytes) -> None:
        number = self._numbers[path]
        if name in ("fsync", "fdatasync"):
            self.log.operations.append(Operation(number, sync=True))
        elif name == "ftruncate":
            self._resize(path, int(words.rsplit(", ", 1)[1]))
        else:
            offset = int(words.rsplit(", ", 1)[1]) if name == "pwrite64" else self._ends.get(number, 0)
            self._ends[number] = max(self._ends.get(number, 0), offset + len(data))
            self.log.write(number, offset, data)

    def _resize(self, path: Path, size: int) -> None:
        if (number := self._numbers.get(path)) is not None and self._ends.get(number):
            self._ends[number] = size
            self.log.operations.append(Operation(number, size=size))

    def _new(self, path: Path, *, folder: bool) -> None:
        if path not in self._numbers and self._root in path.parents:
            self._last += 1
            if folder:
                self.log.folders.add(self._last)
            self._names({path: self._last})

    def _names(self, changes: dict[Path, int | None]) -> None:
        inside = {path: number for path, number in changes.items() if self._root in path.parents}
        for folder in {path.parent for path in inside}:
            names = {path.name: number for path, number in inside.items() if path.parent == folder}
            self.log.operations.append(Operation(self._numbers[folder], names=names))
        for path, number in inside.items():
            if number is None:
                self._numbers.pop(path, None)
            else:
                self._numbers[path] = number
