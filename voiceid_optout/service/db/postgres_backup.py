"""Copies of a PostgreSQL database, by its own programs ``pg_dump`` and ``pg_restore``."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from voiceid_optout.service.db import postgres, sqlite
from voiceid_optout.service.db.backup import BackupError, draft_of
from voiceid_optout.service.db.connection import describe
from voiceid_optout.service.db.database import set_apart
from voiceid_optout.service.db.postgres import database_url
from voiceid_optout.service.db.schema import meta, speakers
from voiceid_optout.service.errors import DataLockedError

_VARIABLES = {
    "username": "PGUSER",
    "password": "PGPASSWORD",
    "host": "PGHOST",
    "port": "PGPORT",
    "database": "PGDATABASE",
}


def back_up(reference: str, target: Path, *, replace: bool = False) -> int:
    """Dump the database to the file ``target`` and return its size in bytes; raises BackupError.

    The dump is one state of the data in PostgreSQL's own format, for its owner alone; services keep running.
    """
    url = database_url(reference)
    if target.exists() and not replace:
        raise BackupError(f"{target} is there already; choose another name, or give --replace.")
    with draft_of(target) as draft:
        _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
        check(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
        sqlite.sync_folder(target.parent)
    return target.stat().st_size


def restore(source: Path, reference: str, *, replace: bool = False) -> None:
    """Load the dump ``source`` into the database, in one transaction.

    Raises DataLockedError while services are connected to it, BackupError if the dump is not sound or if the
    database holds the service's tables and ``replace`` is not given. A failure leaves the database as it was.
    """
    url = database_url(reference)
    dumped = check(source)
    with _opened(url) as connection:
        _refuse_to_disturb(connection, dumped, replace=replace)
    _run(
        "pg_restore",
        url,
        *("--clean", "--if-exists", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"),
        f"--dbname={url.database}",
        str(source),
    )
    with _opened(url) as connection:
        set_apart(connection)
        connection.commit()


def check(path: Path) -> set[str]:
    """Return the names of the dump's tables; raise BackupError unless it is one of the service's."""
    try:
        with path.open("rb") as file:
            if file.read(5) != b"PGDMP":
                raise BackupError(f"{path} is not a dump of a PostgreSQL database.")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from None
    tables = set(re.findall(r" TABLE DATA \S+ (\S+) ", _run("pg_restore", None, "--list", str(path))))
    if not {meta.name, speakers.name} <= tables:
        raise BackupError(f"{path} is a dump of PostgreSQL, but not of the service's database.")
    return tables


def _refuse_to_disturb(connection: Connection, dumped: Collection[str], *, replace: bool) -> None:
    running = connection.scalar(
        text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
        ),
        {"name": postgres.APPLICATION},
    )
    if running:
        raise DataLockedError("Services are connected to the database; stop them first.")
    there = set(inspect(connection).get_table_names())
    if there.difference(dumped):
        # They would stay as they are, beside the tables of another state or release.
        raise BackupError(
            f"The database holds tables that the backup does not: {', '.join(sorted(there.difference(dumped)))}. "
            "Restore it into an empty database."
        )
    if there and not replace:
        raise BackupError("The database holds a service's data already; to replace that, give --replace.")


@contextmanager
def _opened(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise BackupError(f"The database cannot be restored: {describe(error)}.") from None
    finally:
        engine.dispose()


def _run(program: str, url: URL | None, *arguments: str) -> str:
    path = shutil.which(program)
    command = " ".join([program, *arguments])
    if path is None:
        raise BackupError(
            f"{program}, one of PostgreSQL's own programs, is not on PATH. Install PostgreSQL's client programs, "
            f"or run where they are: {command}"
        )
    finished = subprocess.run(  # noqa: S603  a program of PostgreSQL's, and arguments of our own
        [path, *arguments], env={**os.environ, **_environment(url)}, capture_output=True, text=True, check=False
    )
    if finished.returncode:
        first = finished.stderr.strip().splitlines()[:1]
        raise BackupError(f"{program} failed: {first[0] if first else f'exit code {finished.returncode}'}")
    return finished.stdout


def _environment(url: URL | None) -> Mapping[str, str]:
    """Return the connection as libpq's variables: arguments would show a password to every user of the machine."""
    if url is None:
        return {}
    parts = {variable: getattr(url, part) for part, variable in _VARIABLES.items()}
    options = {f"PG{name.upper()}": value for name, value in url.query.items()}  # such as PGSSLMODE
    return {name: str(value) for name, value in {**parts, **options}.items() if value is not None}
