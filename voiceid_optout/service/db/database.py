"""The database: which one, engines for a writer and for readers, and whether it can be worked with now.

SQLite is the database of a single service: one file in the data folder. The service's promise rests on two
settings: a write-ahead log, and ``synchronous=FULL``, which makes a commit return only after the log is on disk.
"""

import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, insert, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from voiceid_optout.files import sync_folder
from voiceid_optout.service.db import postgres
from voiceid_optout.service.db.idempotency import refuse_until
from voiceid_optout.service.db.migrations import current, is_current, migrate
from voiceid_optout.service.db.postgres import database_url
from voiceid_optout.service.db.schema import meta
from voiceid_optout.service.db.transaction import Operation, Request, Result, Transaction, describe, read, write
from voiceid_optout.service.errors import StartError

FILE_NAME = "voiceid.db"
_PROBE = "readiness_probe"
_BUSY_SECONDS = 10
# 32 MB of pages in memory, and 16 MB of log until they are copied into the file: a page that many batches change is
# read once and copied once. A log that grew beyond that, behind a long reader such as a backup, is cut to it again.
_ROOM = ("PRAGMA cache_size=-32768", "PRAGMA wal_autocheckpoint=4000", "PRAGMA journal_size_limit=16384000")


def sqlite_writer(path: Path) -> Engine:
    """Return an engine whose transactions keep all other writers out from their beginning."""
    return _engine(path, "BEGIN IMMEDIATE", *_ROOM)


def sqlite_reader(path: Path) -> Engine:
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


Lock = Callable[[Connection, Collection[str] | None], None]
"""Takes what a write transaction needs before it reads: locks on the named domains, or on everything for None."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. ``token_key`` signs pagination tokens; it lives as long as the data does."""

    writer: Engine
    reader: Engine
    lock: Lock
    token_key: bytes = field(repr=False)

    def close(self) -> None:
        """Let go of what the engines hold."""
        self.writer.dispose()
        self.reader.dispose()


def open_database(folder: Path, reference: str | None = None) -> Database:
    """Open or make the database and bring its schema up to date; raises StartError.

    It is the SQLite file in ``folder``, or the PostgreSQL database of ``reference`` (see ``database_url``).
    """
    return _open_sqlite(folder) if reference is None else _open_postgres(reference)


def _open_sqlite(folder: Path) -> Database:
    path = folder / FILE_NAME
    writer = sqlite_writer(path)
    try:
        with writer.begin() as connection:
            migrate(connection)
            token_key = _token_key(connection)
    except DBAPIError as error:
        writer.dispose()
        raise StartError(
            f"{path} cannot be used as the service's database ({error.orig}); restore it from a backup, or move it "
            "away to start with an empty one."
        ) from error
    except StartError:
        writer.dispose()
        raise
    sync_folder(folder)
    return Database(writer, sqlite_reader(path), _no_lock, token_key)


def _open_postgres(reference: str) -> Database:
    url = database_url(reference)
    writer = postgres.writer(url)
    shown = url.set(username=None, password=None, query={}).render_as_string()
    try:
        with writer.begin() as connection:
            postgres.check(connection)
            if not is_current(connection):
                postgres.lock(connection, None)  # several services may start at once: one of them migrates
                migrate(connection)
            token_key = _token_key(connection)
    except DBAPIError as error:
        raise StartError(f"{shown} cannot be used as the service's database: {describe(error)}.") from None
    return Database(writer, postgres.reader(url), postgres.lock, token_key)


def _no_lock(_connection: Connection, _domain_ids: Collection[str] | None) -> None:
    """SQLite's writers begin with BEGIN IMMEDIATE, which keeps all others out."""


def set_apart(connection: Connection) -> None:
    """Tell restored data from the data that was there before, of which it knows less.

    Pages of listings that were under way would go on at a wrong place, so they get another key. Requests that were
    used since the backup was made are unknown, so none that was signed until now is taken.
    """
    connection.execute(update(meta).where(meta.c.key == "token_key").values(value=secrets.token_hex(32)))
    refuse_until(connection, f"{int(time.time()):08x}")


def _token_key(connection: Connection) -> bytes:
    query = select(meta.c.value).where(meta.c.key == "token_key")
    stored = connection.scalar(query)
    if stored is None:
        stored = secrets.token_hex(32)
        connection.execute(insert(meta), {"key": "token_key", "value": stored})
    return bytes.fromhex(stored)


def can_read(tx: Transaction, _request: Request) -> Result:
    """Look whether the schema is the one this release works with."""
    return {"Revision": current(tx.connection), "Current": is_current(tx.connection)}


def can_write(tx: Transaction, _request: Request) -> Result:
    """Commit something, because a database that went read-only shows nowhere else."""
    values = {"value": str(tx.now)}
    if tx.connection.execute(update(meta).where(meta.c.key == _PROBE).values(values)).rowcount == 0:
        tx.connection.execute(insert(meta), {"key": _PROBE, **values})
    return {"At": tx.connection.scalar(select(meta.c.value).where(meta.c.key == _PROBE))}


READINESS: Mapping[str, Operation] = {"CanRead": read(can_read), "CanWrite": write(can_write, apart=True)}
