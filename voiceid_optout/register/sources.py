"""Find the files of a register, and read each as UTF-8 text: all that can be wrong below the level of YAML."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from voiceid_optout.foreign_text import escaped
from voiceid_optout.register.faults import Code, Fault, Location, RegisterInvalid

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


MAX_BYTES = 64 * 1024 * 1024

BOM = b"\xef\xbb\xbf"
# Version control puts these before lines, at the very left, where no line of a register can begin so.
_MARKS = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")
_CONFLICT = re.compile(rb"(?:\A|(?<=[\r\n]))(<{7}|\|{7}|={7}|>{7})(?=[ \r\n]|\Z)")
_UTF16_OR_32 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_ASCII_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# U+0085, U+2028 and U+2029 end a line for a YAML 1.1 parser but not in an editor: line numbers would lie.
_OTHER_CONTROL = re.compile("[\x80-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def read(source: Source) -> bytes:
    """Return the file's text as UTF-8 without byte order mark; raises RegisterInvalid with one fault."""
    return checked(_read_bytes(source), source.shown)


def checked(data: bytes, shown: str) -> bytes:
    """Return the text of a file's content, as :func:`read` does; ``shown`` is its name for messages."""
    if len(data) > MAX_BYTES:
        raise _invalid(shown, Code.TOO_LARGE, _too_large(len(data)))
    if data.startswith(_UTF16_OR_32) or b"\0" in data[:2]:
        raise _invalid(shown, Code.NOT_UTF8, "looks like UTF-16: save the file as UTF-8")
    data = data.removeprefix(BOM)
    _refuse_conflict(shown, data)
    if found := _ASCII_CONTROL.search(data):
        raise _control(shown, data[: found.start()].decode("utf-8", "replace"))
    if data.isascii():
        return data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"this byte (at offset {error.start}) is not UTF-8: save the file as UTF-8"
        raise _invalid(shown, Code.NOT_UTF8, message, data[: error.start].decode("utf-8")) from None
    if other := _OTHER_CONTROL.search(text):
        raise _control(shown, text[: other.start()])
    return data


def _refuse_conflict(shown: str, data: bytes) -> None:
    """Raise RegisterInvalid, with a fault for the beginning of each conflict that two changes left."""
    if not any(mark in data for mark in _MARKS):  # fast: nearly every file
        return
    marks = list(_CONFLICT.finditer(data))
    begins = [mark for mark in marks if mark[1].startswith(b"<")] or marks[:1]
    message = "a conflict of two changes is left here: keep the people of both sides, and delete the marker lines"
    faults = [
        fault
        for mark in begins
        for fault in _invalid(
            shown, Code.CONFLICT_MARKER, message, data[: mark.start()].decode("utf-8", "replace")
        ).faults
    ]
    if faults:
        raise RegisterInvalid(faults)


def _read_bytes(source: Source) -> bytes:
    """Open first, then judge what is open: a name may change its meaning between two looks."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        if not source.path.resolve().is_relative_to(source.root):
            message = "a link out of the register's directory: copy the file in"
            raise _invalid(source.shown, Code.OUTSIDE_TREE, message)
        descriptor = os.open(source.path, flags)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _invalid(source.shown, Code.NOT_A_FILE, "not a regular file: rename or remove it")
            if status.st_size > MAX_BYTES:
                raise _invalid(source.shown, Code.TOO_LARGE, _too_large(status.st_size))
            data = file.read(MAX_BYTES + 1)  # one more, should it have grown
    except IsADirectoryError:
        raise _invalid(source.shown, Code.NOT_A_FILE, "a directory, not a file: rename or remove it") from None
    except (
        OSError,
        RuntimeError,
    ) as error:  # before Python 3.13, resolve() says RuntimeError for a link in a circle
        reason = getattr(error, "strerror", None) or "a symbolic link that leads to itself"
        raise _invalid(source.shown, Code.UNREADABLE, f"cannot be read: {reason}") from None
    return data


def _too_large(size: int) -> str:
    megabytes, limit = size / 1024 / 1024, MAX_BYTES // 1024 // 1024
    return f"{megabytes:.0f} MB, but at most {limit} MB are read: split it into several files"


def _control(shown: str, before: str) -> RegisterInvalid:
    return _invalid(shown, Code.CONTROL_CHARACTER, "an invisible control character: delete it", before)


def _invalid(shown: str, code: Code, message: str, before: str = "") -> RegisterInvalid:
    """A fault right after the text ``before``."""
    line = len(re.findall("\r\n|\r|\n", before)) + 1
    column = len(re.split("[\r\n]", before)[-1]) + 1
    return RegisterInvalid.at(Location(shown, line, column), code, message)
