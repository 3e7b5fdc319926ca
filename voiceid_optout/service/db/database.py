"""The database: engines for a writer and for readers, and a schema that is up to date."""

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select, update
from sqlalchemy.exc import DBAPIError

from voiceid_optout.service.db import postgres, sqlite
from voiceid_optout.service.db.connection import describe
from voiceid_optout.service.db.idempotency import refuse_until
from voiceid_optout.service.db.postgres import database_url
from voiceid_optout.service.db.revisions import is_current, migrate
from voiceid_optout.service.db.schema import meta
from voiceid_optout.service.errors import StartError

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
    path = folder / sqlite.FILE_NAME
    writer = sqlite.writer(path)
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
    sqlite.sync_folder(folder)
    return Database(writer, sqlite.reader(path), _no_lock, token_key)


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
