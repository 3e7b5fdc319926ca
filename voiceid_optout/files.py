"""What is written is whole or not there, and what is read is bounded.

A file is written beside its place, synced, renamed. A file of a few kilobytes that is read must not cost minutes,
gigabytes or a traceback: that holds for the register, the files of the project and of stacks, and everything in
JSON.
"""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from yaml.error import Mark
    from yaml.events import Event


_SURROGATE, _SURROGATE_BYTES = re.compile(r"\\u[dD]"), re.compile(rb"\\u[dD]")  # escapes of JSON


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the file's content in one step that survives a crash; raises :class:`OSError`."""
    with atomic(path, mode) as stream:
        stream.write(data)


@contextmanager
def atomic(path: Path, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Give a stream whose content replaces the file's in one step when the block ends; raises :class:`OSError`.

    The folder is made if it is missing. A block that fails leaves the old file as it was.
    """
    make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)  # noqa: PTH101 - the text path mkstemp gave
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):  # what went wrong first is the one to tell
            os.unlink(temporary)  # noqa: PTH108
        raise
    sync_folder(path.parent)


def name_again(path: Path, source: Path) -> None:
    """Give a file that is never written to in place a second name, replacing what has that name; raises OSError.

    A hard link costs nothing, whatever the size; where the file system has none, or refuses, it is a copy.
    """
    make_folder(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp") as folder:
        link = os.path.join(folder, path.name)  # noqa: PTH118 - the text path TemporaryDirectory gave
        try:
            os.link(source, link)
        except OSError:
            write_atomic(path, source.read_bytes())
            return
        os.replace(link, path)  # noqa: PTH105
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, unless they are there; they survive a crash. Raises OSError."""
    missing = [folder, *folder.parents]
    while missing and missing[-1].exists():
        missing.pop()
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file if it is there, before anything that follows; raises OSError."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was renamed, made or removed in the folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# A register needs three levels and a stack's config a few more; the rest is room to say what is wrong.
MAX_DEPTH = 16
MAX_CONFIG_BYTES = 256 * 1024
# Values of a stack file, what aliases stand for counted each time.
MAX_CONFIG_VALUES = 20_000
MAX_JSON_DEPTH = 100


class TooMuchError(yaml.MarkedYAMLError):
    """A YAML file goes beyond a bound; ``problem`` says which, ``problem_mark`` where."""


@dataclass(slots=True)
class _Size:
    """How many values a node has, and how many levels are below it."""

    values: int = 1
    height: int = 0

    def add(self, other: _Size) -> None:
        self.values += other.values
        self.height = max(self.height, other.height + 1)


def check_yaml(text: str) -> None:
    """Raise :class:`TooMuchError` for YAML that is nested too deeply or grows too large by its aliases.

    It is looked at event by event, and nothing is built. Raises what the parser raises.
    """
    parser = yaml.SafeLoader(text)  # not libyaml's: what is looked at must be what is loaded
    anchored: dict[str, _Size] = {}
    opened: list[tuple[str | None, _Size]] = [(None, _Size())]
    while (event := parser.get_event()) is not None:  # type: ignore[no-untyped-call]
        if isinstance(event, CollectionStartEvent):
            opened.append((event.anchor, _Size()))
            if len(opened) > MAX_DEPTH + 1:
                _refuse(event, f"is nested more than {MAX_DEPTH} levels deep")
        elif isinstance(event, AliasEvent):
            if (size := anchored.get(event.anchor or "")) is None:
                _refuse(event, "has an alias of what is not there, or not yet complete")
            _close(opened, size, event)
        elif isinstance(event, ScalarEvent | CollectionEndEvent):
            anchor, size = (event.anchor, _Size()) if isinstance(event, ScalarEvent) else opened.pop()
            if anchor:
                anchored[anchor] = size
            _close(opened, size, event)


def _close(opened: list[tuple[str | None, _Size]], size: _Size, event: Event) -> None:
    """Count a node that has ended into the one that holds it."""
    holder = opened[-1][1]
    holder.add(size)
    if len(opened) - 1 + size.height > MAX_DEPTH:
        _refuse(event, f"is nested more than {MAX_DEPTH} levels deep, counting what an alias stands for")
    if holder.values > MAX_CONFIG_VALUES:
        _refuse(event, f"holds more than {MAX_CONFIG_VALUES:,} values, counting what aliases stand for")


def _refuse(event: Event, problem: str) -> NoReturn:
    raise TooMuchError(problem=problem, problem_mark=cast("Mark | None", event.start_mark))


def read_json(text: str | bytes) -> Any:
    """Return a JSON document; raises :class:`ValueError` for what is none, too deep, or beyond all numbers.

    So it does for half of a pair of surrogates, which JSON can name and no file can hold.
    """
    try:
        document = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
        if _may_have_surrogates(text):
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(MAX_JSON_DEPTH):
        parts = (part for item in level for part in (item.values() if isinstance(item, dict) else item))
        level = [part for part in parts if isinstance(part, dict | list)]
        if not level:
            return document
    raise ValueError("nested too deeply")


def _may_have_surrogates(text: str | bytes) -> bool:
    """Tell whether a document needs a second look: most have neither such an escape nor another script."""
    if isinstance(text, bytes):
        return b"\xed" in text or _SURROGATE_BYTES.search(text) is not None
    return not text.isascii() or _SURROGATE.search(text) is not None


def _whole(text: str) -> float:
    return -0.0 if text == "-0" else int(text)  # Go writes it, and for a provider it is another number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that is not finite")
    return number
