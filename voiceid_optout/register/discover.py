"""Find the files of a register, and say which look like part of it but are not."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from voiceid_optout.foreign_text import escaped
from voiceid_optout.register.codes import Code
from voiceid_optout.register.errors import Fault
from voiceid_optout.register.model import Location

SUFFIXES = (".yaml", ".yml")


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
        elif path.is_dir() and not path.is_symlink():
            faults.extend(_too_deep(path, prefix / name))
    if not sources:
        message = "no .yaml or .yml file here; a register of nobody is a file that says 'speakers: []'"
        faults.append(Fault(Location(shown(prefix), 1, 1), Code.NO_FILES, message))
    return sources, faults


def _too_deep(directory: Path, prefix: Path) -> Iterable[Fault]:
    """Files one level down are not read. People in them would silently not be opted out, so say it."""
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - as above
    except OSError as error:
        return [_unreadable(shown(prefix), error)]
    message = "subdirectories are not read: move the file up, or out of the register"
    return [
        Fault(Location(shown(prefix / name), 1, 1), Code.IN_SUBDIRECTORY, message)
        for name in names
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    ]


def _unreadable(name: str, error: OSError) -> Fault:
    return Fault(Location(name, 1, 1), Code.UNREADABLE, f"cannot be read: {error.strerror}")
