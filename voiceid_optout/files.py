"""Files that are whole or not there: written beside their place, synced, renamed."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace the file's content in one step that survives a crash; raises :class:`OSError`.

    The folder is made if it is missing. A failed write leaves the old file as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, mode)  # noqa: PTH101 - the text path mkstemp gave
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        os.unlink(temporary)  # noqa: PTH108
        raise
    sync_folder(path.parent)


def name_again(path: Path, source: Path) -> None:
    """Give a file that is never written to in place a second name, replacing what has that name; raises OSError.

    A hard link costs nothing, whatever the size; where the file system has none, or refuses, it is a copy.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp") as folder:
        link = os.path.join(folder, path.name)  # noqa: PTH118 - the text path TemporaryDirectory gave
        try:
            os.link(source, link)
        except OSError:
            write_atomic(path, source.read_bytes())
            return
        os.replace(link, path)  # noqa: PTH105
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
