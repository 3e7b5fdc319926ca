"""The database: engines for a writer and for readers, and a schema that is up to date."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import DBAPIError

from voiceid_optout.service import faults, postgres, sqlite
from voiceid_optout.service.database_url import database_url
from voiceid_optout.service.errors import StartError
from voiceid_optout.service.history import is_current, migrate
from voiceid_optout.service.schema import meta

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
        raise StartError(f"{shown} cannot be used as the service's database: {faults.describe(error)}.") from None
    return Database(writer, postgres.reader(url), postgres.lock, token_key)


def _no_lock(_connection: Connection, _domain_ids: Collection[str] | None) -> None:
    """SQLite's writers begin with BEGIN IMMEDIATE, which keeps all others out."""


def new_token_key() -> str:
    """Return a new key in hexadecimal digits, as ``meta`` keeps it."""
    return secrets.token_hex(32)


def _token_key(connection: Connection) -> bytes:
    query = select(meta.c.value).where(meta.c.key == "token_key")
    stored = connection.scalar(query)
    if stored is None:
        stored = new_token_key()
        connection.execute(insert(meta), {"key": "token_key", "value": stored})
    return bytes.fromhex(stored)
