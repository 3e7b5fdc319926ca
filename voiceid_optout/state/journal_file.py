"""The journal's file: one line a step, so that a killed run loses nothing it was told had happened.

The state file stays as it was until the run ends; the journal carries the difference and costs the same few
hundred bytes a step whatever the size of the state. The first line names the state it continues, so a journal is
never replayed over another one.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from voiceid_optout.limits import read_json
from voiceid_optout.state import resource as resources
from voiceid_optout.state import values
from voiceid_optout.state.errors import StateError
from voiceid_optout.state.journal import Entry, EntryKind, Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from voiceid_optout.state.checkpoint import Checkpoint
    from voiceid_optout.state.passphrase import Crypter


def fingerprint(content: bytes | None) -> str:
    """Return what names a state file's content."""
    return "no state" if content is None else hashlib.sha256(content).hexdigest()


class JournalFile:
    """Appends entries to the journal file; opened at the first entry, so a run without steps leaves none."""

    def __init__(self, path: Path, crypter: Crypter, base: bytes | None) -> None:
        self._path = path
        self._crypter = crypter
        self._base = base
        self._handle: int | None = None
        self._size = 0

    def append(self, entry: Entry) -> None:
        """Write one entry through to the operating system; raises :class:`StateError`."""
        line: dict[str, Any] = {"kind": entry.kind.value}
        if entry.pending:
            line["pending"] = entry.pending
        if entry.renamed:
            line["renamed"] = entry.renamed
        line["resource"] = resources.to_json(entry.resource, self._crypter.encrypt)
        try:
            if self._handle is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                self._write(self._handle, {"base": fingerprint(self._base)})
            self._write(self._handle, line)
        except OSError as error:
            raise StateError(f"cannot write the journal {self._path}: {error.strerror}") from error

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
        self._path.unlink(missing_ok=True)


def recover(
    path: Path, base: Checkpoint, content: bytes | None, decrypt: Callable[[str], str]
) -> Checkpoint | None:
    """Return what a killed run left, or None when there is nothing to recover.

    A journal of another state file's content is ignored: its run had already written its state, or another
    engine has since.
    """
    journal = Journal(base)
    found = False
    for entry in _entries(path, content, decrypt):
        journal.apply(entry)
        found = True
    return journal.checkpoint() if found else None


def _entries(path: Path, content: bytes | None, decrypt: Callable[[str], str]) -> Iterator[Entry]:
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
            return  # the line that was being written when the run was killed
        try:
            if number == 0:
                if document["base"] != fingerprint(content):
                    return
                continue
            resource = resources.from_json(document["resource"], decrypt)
            more = (document.get(key, "") for key in ("pending", "renamed"))
            entry = Entry(EntryKind(document["kind"]), resource, *more)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise StateError(
                f"line {number + 1} of the journal {path} is damaged. It holds what a killed run had done; "
                f"move the file away to go on without it"
            ) from None
        yield entry
