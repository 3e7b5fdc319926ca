"""Find the files of a register, and say which look like part of it but are not."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from voiceid_optout.foreign_text import escaped
from voiceid_optout.register.codes import Code
from voiceid_optout.register.errors import Fault
from voiceid_optout.register.model import Location

SUFFIXES = (".yaml", ".yml")
_INNER_SUFFIX = re.compile(r"\.ya?ml(?=[^a-z]|[a-z]$)")
_EDITORS_COPIES = ("~", "#", ".swp", ".swo")
_ALIKE = 0.8  # .ymal is a slip for .yaml; .xml is none


@dataclass(frozen=True, slots=True)
class Source:
    """One register file: where it is, how it is shown, and the directory it must not lead out of."""

    path: Path
    shown: str
    root: Path


def shown(path: Path) -> str:
    """Return a path as one printable line: a file name may hold any byte, a report may not."""
    return escaped(os.fsencode(path).decode("utf-8", "backslashreplace"))


def discover(path: Path, prefix: Path | None = None) -> tuple[list[Source], list[Fault]]:
    """Return the register files at ``path``, sorted by name, and what is wrong with the directory itself.

    ``path`` is a directory (its ``*.yaml`` and ``*.yml``, any case, no dot files) or one file. ``prefix`` is
    put before file names; by default the directory's own name.
    """
    if path.is_dir():
        return _discover_directory(path, Path(path.resolve().name) if prefix is None else prefix)
    folder = Path(path.parent.resolve().name) if prefix is None else prefix
    name = shown(folder / path.name)
    if not os.path.lexists(path):
        message = "no such file or directory: check the path, and the directory the command runs in"
        return [], [Fault(Location(name, 1, 1), Code.MISSING_DIRECTORY, message)]
    return [Source(path, name, path.parent.resolve())], []


def _discover_directory(directory: Path, prefix: Path) -> tuple[list[Source], list[Fault]]:
    root = directory.resolve()
    sources: list[Source] = []
    faults: list[Fault] = []
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - names are all that is needed
    except OSError as error:
        return [], [_unreadable(shown(prefix), error)]
    for name in names:
        path = directory / name
        if name.startswith("."):
            continue
        if name.lower().endswith(SUFFIXES):
            sources.append(Source(path, shown(prefix / name), root))
        elif path.is_dir():
            faults.extend(_too_deep(path, prefix / name))
        elif _looks_like_one(name):
            message = "looks like a register file, but is not read: let its name end in .yaml, or move it out"
            faults.append(Fault(Location(shown(prefix / name), 1, 1), Code.NOT_READ, message))
    if not sources:
        message = "no .yaml or .yml file here; a register of nobody is a file that says 'speakers: []'"
        faults.append(Fault(Location(shown(prefix), 1, 1), Code.NO_FILES, message))
    return sources, faults


def _looks_like_one(name: str) -> bool:
    """Whether people in such a file would be overlooked; copies that editors make at each save are not meant."""
    if name.endswith(_EDITORS_COPIES):
        return False
    ending = Path(name).suffix.lower()
    return _INNER_SUFFIX.search(name.lower()) is not None or bool(get_close_matches(ending, SUFFIXES, 1, _ALIKE))


def _too_deep(directory: Path, prefix: Path) -> Iterator[Fault]:
    """Files further down are not read. People in them would silently not be opted out, so say it."""
    if directory.is_symlink():
        message = "links to folders are not followed: copy the files in, or move the link out of the register"
        yield Fault(Location(shown(prefix), 1, 1), Code.IN_SUBDIRECTORY, message)
        return
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - as above
    except OSError as error:
        yield _unreadable(shown(prefix), error)
        return
    message = "subdirectories are not read: move the file up, or out of the register"
    for name in names:
        if name.startswith("."):
            continue
        if name.lower().endswith(SUFFIXES) or _looks_like_one(name):
            yield Fault(Location(shown(prefix / name), 1, 1), Code.IN_SUBDIRECTORY, message)
        elif (directory / name).is_dir():
            yield from _too_deep(directory / name, prefix / name)


def _unreadable(name: str, error: OSError) -> Fault:
    return Fault(Location(name, 1, 1), Code.UNREADABLE, f"cannot be read: {error.strerror}")
