"""Read one register file as UTF-8 text; everything that can be wrong below the level of YAML."""

import os
import re
import stat

from voiceid_optout.register.codes import Code
from voiceid_optout.register.discover import Source
from voiceid_optout.register.errors import RegisterInvalid
from voiceid_optout.register.model import Location

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
    data = _read_bytes(source)
    if data.startswith(_UTF16_OR_32) or b"\0" in data[:2]:
        raise _fault(source, Code.NOT_UTF8, "looks like UTF-16: save the file as UTF-8")
    data = data.removeprefix(BOM)
    _refuse_conflict(source, data)
    if found := _ASCII_CONTROL.search(data):
        raise _control(source, data[: found.start()].decode("utf-8", "replace"))
    if data.isascii():
        return data
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"this byte (at offset {error.start}) is not UTF-8: save the file as UTF-8"
        raise _fault(source, Code.NOT_UTF8, message, data[: error.start].decode("utf-8")) from None
    if other := _OTHER_CONTROL.search(text):
        raise _control(source, text[: other.start()])
    return data


def _refuse_conflict(source: Source, data: bytes) -> None:
    """Raise RegisterInvalid, with a fault for the beginning of each conflict that two changes left."""
    if not any(mark in data for mark in _MARKS):  # fast: nearly every file
        return
    marks = list(_CONFLICT.finditer(data))
    begins = [mark for mark in marks if mark[1].startswith(b"<")] or marks[:1]
    message = "a conflict of two changes is left here: keep the people of both sides, and delete the marker lines"
    faults = [
        fault
        for mark in begins
        for fault in _fault(
            source, Code.CONFLICT_MARKER, message, data[: mark.start()].decode("utf-8", "replace")
        ).faults
    ]
    if faults:
        raise RegisterInvalid(faults)


def _read_bytes(source: Source) -> bytes:
    """Open first, then judge what is open: a name may change its meaning between two looks."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        if not source.path.resolve().is_relative_to(source.root):
            raise _fault(source, Code.OUTSIDE_TREE, "a link out of the register's directory: copy the file in")
        descriptor = os.open(source.path, flags)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _fault(source, Code.NOT_A_FILE, "not a regular file: rename or remove it")
            if status.st_size > MAX_BYTES:
                raise _fault(source, Code.TOO_LARGE, _too_large(status.st_size))
            data = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        raise _fault(source, Code.NOT_A_FILE, "a directory, not a file: rename or remove it") from None
    except (
        OSError,
        RuntimeError,
    ) as error:  # before Python 3.13, resolve() says RuntimeError for a link in a circle
        reason = getattr(error, "strerror", None) or "a symbolic link that leads to itself"
        raise _fault(source, Code.UNREADABLE, f"cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:  # it grew while it was read
        raise _fault(source, Code.TOO_LARGE, _too_large(len(data)))
    return data


def _too_large(size: int) -> str:
    megabytes, limit = size / 1024 / 1024, MAX_BYTES // 1024 // 1024
    return f"{megabytes:.0f} MB, but at most {limit} MB are read: split it into several files"


def _control(source: Source, before: str) -> RegisterInvalid:
    return _fault(source, Code.CONTROL_CHARACTER, "an invisible control character: delete it", before)


def _fault(source: Source, code: Code, message: str, before: str = "") -> RegisterInvalid:
    """A fault right after the text ``before``."""
    line = len(re.findall("\r\n|\r|\n", before)) + 1
    column = len(re.split("[\r\n]", before)[-1]) + 1
    return RegisterInvalid.at(Location(source.shown, line, column), code, message)
