r"""A report as a file: JSON that is written and read line by line, so that a million people take no memory.

The first line holds the header, then comes a row a line, and the last line holds the root and the signature::

    {"header":{…},"rows":[
    {"applied_at":…},
    {"applied_at":…}
    ],"root":"<64 hexadecimal digits>","signature":{…} or null}

There is one way to write a report, and a file that differs from it in a byte is refused: a reader that accepted
other ways would let a change pass that a person can see.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from voiceid_optout.evidence import (
    ALGORITHM,
    REPORT_TYPE,
    REPORT_VERSION,
    EvidenceError,
    Header,
    Row,
    Signature,
    canonical,
)
from voiceid_optout.evidence.merkle import Tree
from voiceid_optout.speakers import DOMAIN_ID, LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_T = TypeVar("_T", Row, Header, Signature)

LONGEST_LINE = 65_536  # bytes
_DIGEST = re.compile("[0-9a-f]{64}")
_NONCE = re.compile("[0-9a-f]{32}")
_END = re.compile(rb'\],"root":"([0-9a-f]{64})","signature":(.*)\}\n', re.DOTALL)


class DocumentInvalid(EvidenceError):  # noqa: N818 - as the other packages' errors of this kind
    """A file is no report, or no longer the one that was written; the text names the line and nobody."""


def write(
    out: BinaryIO, header: Header, rows: Iterable[Row], sign: Callable[[bytes], Signature] | None = None
) -> str:
    """Write a report and return its root, 64 hexadecimal digits.

    ``rows`` are as many as the header says, in the order of domain and label; ``sign`` gets the root, 32 bytes.
    Raises ValueError for rows in another order or number, and OSError as ``out`` does.
    """
    tree = Tree()
    first = canonical(header)
    tree.add(first)
    out.write(b'{"header":' + first + b',"rows":[')
    before = ("", "")
    for row in rows:
        if (place := (row.domain_id, row.label)) <= before:
            raise ValueError("rows come in the order of domain and label, each once")
        line = canonical(row)
        out.write((b",\n" if before[0] else b"\n") + line)
        tree.add(line)
        before = place
    if tree.size - 1 != header.people:
        raise ValueError(f"the header says {header.people} people, and there are {tree.size - 1} rows")
    root = tree.root()
    signature = sign(root) if sign is not None else None
    out.write(_last_line(root.hex(), signature))
    return root.hex()


def _last_line(root: str, signature: Signature | None) -> bytes:
    signed = b"null" if signature is None else canonical(signature)
    return f'\n],"root":"{root}","signature":'.encode() + signed + b"}\n"


class Report:
    """A report that is being read. Iterate once over its rows: ``root`` and ``signature`` are known after the last.

    Every byte is checked on the way, and the root against the rows; the signature is only read. Raises
    :class:`DocumentInvalid`, and OSError as the file does.
    """

    root: str
    signature: Signature | None

    def __init__(self, file: BinaryIO, track: Callable[[Row], bool] = lambda _row: False) -> None:
        """Read the header; ``track`` chooses the rows whose proofs are wanted."""
        self._file = file
        self._track = track
        self._tree = Tree()
        self.tracked: list[tuple[int, Row]] = []  # indexes in the tree, where the header is 0
        line = self._line(1)
        if not (line.startswith(b'{"header":') and line.endswith(b',"rows":[\n')):
            raise _invalid(1, "this is not a report: its first line has no header")
        self.header = parse(Header, line[len(b'{"header":') : -len(b',"rows":[\n')], "line 1")
        self._tree.add(canonical(self.header), track=True)

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows."""
        before = ("", "")
        number = 2
        while not (line := self._line(number)).startswith(b"]"):
            text = line.removesuffix(b"\n")
            is_last = not text.endswith(b",")
            leaf = text.removesuffix(b",")  # the row in canonical form, or it is refused
            row = parse(Row, leaf, f"line {number}")
            if (place := (row.domain_id, row.label)) <= before:
                raise _invalid(number, "rows come in the order of domain and label, each once")
            before = place
            is_wanted = self._track(row)
            index = self._tree.add(leaf, track=is_wanted)
            if is_wanted:
                self.tracked.append((index, row))
            yield row
            number += 1
            if is_last:
                line = self._line(number)
                break
        else:
            if number > 2:  # noqa: PLR2004 - the first row's line
                raise _invalid(number, "the line before promises one more row")
        self._finish(line, number)

    @property
    def size(self) -> int:
        """How many leaves the tree has: the header, and the rows so far."""
        return self._tree.size

    def proof(self, index: int) -> list[str]:
        """Return the inclusion proof of the header (0) or of a tracked row, after the last row; hexadecimal."""
        return [one.hex() for one in self._tree.proof(index)]

    def _finish(self, line: bytes, number: int) -> None:
        match = _END.fullmatch(line)
        if match is None:
            raise _invalid(number, "here the root and the signature should stand")
        if self._file.read(1):
            raise _invalid(number + 1, "something stands behind the end of the report")
        self.root = match[1].decode()
        self.signature = None if match[2] == b"null" else parse(Signature, match[2], f"line {number}")
        if self.header.people != self._tree.size - 1:
            raise _invalid(1, f"the header says {self.header.people} people, and there are {self._tree.size - 1}")
        if self._tree.root().hex() != self.root:
            raise _invalid(number, "the root is not that of the header and the rows: something was changed")

    def _line(self, number: int) -> bytes:
        line = self._file.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise _invalid(number, "the line is too long for a report")
        if not line.endswith(b"\n"):
            raise _invalid(number, "the report ends in the middle: it was cut")
        return line


def parse(kind: type[_T], text: bytes, place: str) -> _T:
    """Return what canonical JSON says; ``place`` is named where it says something else or in another way.

    Raises :class:`DocumentInvalid`.
    """
    try:
        found = kind(**_object(json.loads(text)))
        _check(found)
        same = canonical(found) == text
    except (ValueError, TypeError, RecursionError):
        raise DocumentInvalid(f"{place}: not the {kind.__name__.lower()} of a report") from None
    if not same:
        raise DocumentInvalid(f"{place}: not written as reports are: something was changed")
    return found


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


_NUMBERS = {"people", "overdue_days", "version"}
_FORMS = {
    "label": LABEL,
    "domain_id": DOMAIN_ID,
    "person": _DIGEST,
    "previous": _DIGEST,
    "nonce": _NONCE,
    "type": re.compile(re.escape(REPORT_TYPE)),
    "public_key": _DIGEST,
    "value": re.compile("[0-9a-f]{128}"),
    "algorithm": re.compile(re.escape(ALGORITHM)),
}
# What each member is: its name, whether it may be null, its type and its form.
_MEMBERS: dict[type, list[tuple[str, bool, type, re.Pattern[str] | None]]] = {
    kind: [
        (each.name, "None" in str(each.type), int if each.name in _NUMBERS else str, _FORMS.get(each.name))
        for each in fields(kind)
    ]
    for kind in (Row, Header, Signature)
}


def _check(found: Row | Header | Signature) -> None:
    """Raise TypeError or ValueError for a member of another type or form than it has."""
    for name, may_be_null, type_, form in _MEMBERS[type(found)]:
        value = getattr(found, name)
        if value is None and may_be_null:
            continue
        if type(value) is not type_:
            raise TypeError(name)
        if form is not None and not form.fullmatch(str(value)):
            raise ValueError(name)
    if isinstance(found, Header) and found.version != REPORT_VERSION:
        raise ValueError("version")


def _invalid(number: int, why: str) -> DocumentInvalid:
    return DocumentInvalid(f"line {number}: {why}")
