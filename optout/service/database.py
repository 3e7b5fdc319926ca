"""The database: engines for one writer and for readers, and a schema that knows its version.

The service's promise rests on two settings of SQLite: a write-ahead log, and ``synchronous=FULL``, which makes a
commit return only after the log is on disk.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, insert, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from optout.service.errors import StartError
from optout.service.history import migrate
from optout.service.schema import meta

FILE_NAME = "voiceid.db"
_BUSY_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. ``token_key`` signs pagination tokens; it lives as long as the data does."""

    writer: Engine
    reader: Engine
    token_key: bytes


def open_database(folder: Path) -> Database:
    """Open or make the database in ``folder`` and bring its schema up to date; raises StartError."""
    path = folder / FILE_NAME
    writer = _engine(path, "BEGIN IMMEDIATE")
    try:
        with writer.begin() as connection:
            migrate(connection)
            token_key = bytes.fromhex(_token_key(connection))
    except DBAPIError as error:
        writer.dispose()
        raise StartError(
            f"{path} cannot be used as the service's database ({error.orig}); restore it from a backup, or move it "
            "away to start with an empty one."
        ) from error
    except StartError:
        writer.dispose()
        raise
    _sync_folder(folder)
    return Database(writer, _engine(path, "BEGIN", "PRAGMA query_only=ON"), token_key)


def _token_key(connection: Connection) -> str:
    stored = connection.scalar(select(meta.c.value).where(meta.c.key == "token_key"))
    if stored is None:
        stored = secrets.token_hex(32)
        connection.execute(insert(meta), {"key": "token_key", "value": stored})
    return str(stored)


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


def _sync_folder(folder: Path) -> None:
    # The file's name must be as durable as its content.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
