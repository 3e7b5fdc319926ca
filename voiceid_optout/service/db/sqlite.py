"""SQLite, the database of a single service: one file in the data folder.

The service's promise rests on two settings: a write-ahead log, and ``synchronous=FULL``, which makes a commit
return only after the log is on disk.
"""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL

FILE_NAME = "voiceid.db"
_BUSY_SECONDS = 10
# 32 MB of pages in memory, and 16 MB of log until they are copied into the file: a page that many batches change is
# read once and copied once. A log that grew beyond that, behind a long reader such as a backup, is cut to it again.
_ROOM = ("PRAGMA cache_size=-32768", "PRAGMA wal_autocheckpoint=4000", "PRAGMA journal_size_limit=16384000")


def writer(path: Path) -> Engine:
    """Return an engine whose transactions keep all other writers out from their beginning."""
    return _engine(path, "BEGIN IMMEDIATE", *_ROOM)


def reader(path: Path) -> Engine:
    """Return an engine whose transactions see one state of the data and cannot change it."""
    return _engine(path, "BEGIN", "PRAGMA query_only=ON")


def inspector(path: Path) -> Engine:
    """Return an engine for a file that is no running service's: it changes neither the file nor its mode."""
    return create_engine(
        URL.create("sqlite", database=path.absolute().as_uri(), query={"mode": "ro", "uri": "true"}),
        hide_parameters=True,
        poolclass=NullPool,
    )


def _engine(path: Path, begin: str, *pragmas: str) -> Engine:
    # hide_parameters keeps people's identifiers out of the texts of database errors.
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        hide_parameters=True,
        poolclass=NullPool,
        connect_args={"timeout": _BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver's own idea of when to begin is switched off
        for pragma in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", *pragmas):
            connection.execute(pragma).close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def sync_folder(folder: Path) -> None:
    """Make the names of the folder's files as durable as their content."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
