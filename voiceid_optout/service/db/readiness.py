"""Whether the service can do its work now: the database answers, takes writes, and has this release's schema."""

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select

from voiceid_optout.service.db import revisions
from voiceid_optout.service.db.schema import meta
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Operation, Request, Result, Transaction, read, write
from voiceid_optout.service.errors import ServiceError

PATIENCE_SECONDS = 2.0
FULL_SECONDS = 10.0
"""For how long a change that found no room speaks against the next one."""

ROOM_BYTES = 8 * 1024 * 1024
"""What a batch of opt-outs can need at most: 512 people, each in a few pages of their own."""

_PROBE = "readiness_probe"


class NotReadyError(ServiceError):
    """The service cannot work now; the text says why."""


def can_read(tx: Transaction, _request: Request) -> Result:
    """Look whether the schema is the one this release works with."""
    return {"Revision": revisions.current(tx.connection), "Current": revisions.is_current(tx.connection)}


def can_write(tx: Transaction, _request: Request) -> Result:
    """Commit something, because a database that went read-only shows nowhere else."""
    changed = tx.connection.execute(meta.update().where(meta.c.key == _PROBE).values(value=str(tx.now)))
    if changed.rowcount == 0:
        tx.connection.execute(meta.insert(), {"key": _PROBE, "value": str(tx.now)})
    return {"At": tx.connection.scalar(select(meta.c.value).where(meta.c.key == _PROBE))}


READINESS: Mapping[str, Operation] = {"CanRead": read(can_read), "CanWrite": write(can_write, apart=True)}


def _reserve(folder: Path) -> None:
    """Raise NotReadyError if the disk has no room for a batch of changes."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, ROOM_BYTES)
    except OSError as error:
        raise NotReadyError(
            f"the data folder has no room for {ROOM_BYTES // 1024 // 1024} MiB more: {error.strerror}"
        ) from error


async def check(store: Store) -> None:
    """Return if the service can work; raises NotReadyError otherwise, after two seconds at most."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            schema = await store.run("CanRead", {})
            if not schema["Current"]:
                raise NotReadyError(f"the schema is at revision {schema['Revision']}, another release's")
            await store.run("CanWrite", {})
            # What is committed above is small, and finds room where opt-outs no longer do.
            if store.folder is not None:
                await asyncio.to_thread(_reserve, store.folder)
            if time.monotonic() - store.full_at < FULL_SECONDS:
                raise NotReadyError("there was no room for a change a moment ago; the disk is full")
    except TimeoutError:
        raise NotReadyError(f"the database did not answer within {PATIENCE_SECONDS:g} seconds") from None
    except ServiceError as error:
        if isinstance(error, NotReadyError):
            raise
        raise NotReadyError("the database cannot be read or written; the log says why") from error
