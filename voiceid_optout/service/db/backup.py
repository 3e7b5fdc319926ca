"""Copies of the database: taken while the service runs, and put in place of it while none does.

Of SQLite as one file, of PostgreSQL by its own programs ``pg_dump`` and ``pg_restore``.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from voiceid_optout.files import sync_folder
from voiceid_optout.service import data_folder
from voiceid_optout.service.db import postgres
from voiceid_optout.service.db.database import FILE_NAME, inspector, set_apart
from voiceid_optout.service.db.migrations import is_known
from voiceid_optout.service.db.postgres import database_url
from voiceid_optout.service.db.schema import meta, speakers
from voiceid_optout.service.db.transaction import describe
from voiceid_optout.service.errors import DataLockedError, StartError

Progress = Callable[[int, int], None]
"""Is told how many pages are done, and how many there are."""

_STEP_PAGES = 2048  # 8 MB between two reports
_BUSY_SECONDS = 10


class BackupError(StartError):
    """A backup or its restoration is refused or failed; nothing has been changed. The text says why."""


def back_up(
    data: Path, target: Path, *, replace: bool = False, progress: Progress = lambda _done, _of: None
) -> int:
    """Copy the database in ``data`` to the file ``target`` and return its size in bytes; raises BackupError.

    The copy is one state of the data, whatever is written meanwhile, and holds nobody up. It gets its name when it
    is complete, has passed SQLite's own check and is on disk; it is one file, for its owner alone.
    """
    source = data / FILE_NAME
    if not source.exists():
        raise BackupError(f"{data} holds no database; name the service's data folder with --data.")
    with _new_file(target, replace=replace) as draft:
        _copy(source, draft, progress)
        check(draft)
    return target.stat().st_size


def restore(
    source: Path, data: Path, *, replace: bool = False, progress: Progress = lambda _done, _of: None
) -> Path | None:
    """Make the backup ``source`` the database in ``data``; return where the former one is kept, if there was one.

    Raises DataLockedError while a service runs, BackupError if the backup is not sound or if there is a database
    and ``replace`` is not given. The database is replaced in one step: a crash leaves the former one or the new
    one.
    """
    check(source)
    data_folder.prepare(data)
    with data_folder.held(data):
        target = data / FILE_NAME
        if target.exists() and not replace:
            raise BackupError(f"{data} holds a database already; to put the backup in its place, give --replace.")
        for left in data.glob(f".{target.name}.*"):  # by a restoration that was killed
            left.unlink()
        with _draft_of(target) as draft:
            _copy(source, draft, progress)
            check(draft)
            _forget(draft)
            former = _set_aside(target) if target.exists() else None
            draft.replace(target)
            sync_folder(data)
        return former


def check(path: Path) -> None:
    """Raise BackupError unless the file is a sound database of the service, of this release or an earlier one."""
    try:
        with path.open("rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                raise BackupError(f"{path} is not a backup of a SQLite database.")
        with closing(_connect(path, "mode=ro")) as database:
            findings = [str(row[0]) for row in database.execute("PRAGMA integrity_check(1)")]
            if findings != ["ok"]:
                # The finding itself may name a key, which may be a person's identifier.
                raise BackupError(f"{path} is damaged: SQLite's integrity check fails.")
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from None
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{path} is damaged: {error}.") from None
    engine = inspector(path)
    try:
        with engine.connect() as connection:
            known = is_known(connection)
    except DBAPIError as error:
        raise BackupError(f"{path} is damaged: {error.orig}.") from None
    finally:
        engine.dispose()
    if not known:
        raise BackupError(f"{path} is a SQLite database, but not the service's.")


@contextmanager
def _new_file(target: Path, *, replace: bool) -> Iterator[Path]:
    """Yield a draft that becomes ``target``, in one step, if the block ends well."""
    if target.exists() and not replace:
        raise BackupError(f"{target} is there already; choose another name, or give --replace.")
    with _draft_of(target) as draft:
        yield draft
        draft.replace(target)
        sync_folder(target.parent)


def _copy(source: Path, draft: Path, progress: Progress) -> None:
    try:
        # The copy must end as one file: without the log that the mode of its first page asks for.
        with closing(_connect(source, "mode=rw")) as database, closing(_connect(draft, "mode=rwc")) as copy:
            # One read transaction over all steps: without it each write of the service would start the copy again.
            database.execute("BEGIN")
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            database.backup(
                copy, pages=_STEP_PAGES, progress=lambda _status, left, total: progress(total - left, total)
            )
            database.execute("ROLLBACK")
            copy.execute("PRAGMA journal_mode=DELETE").fetchone()
        with draft.open("rb") as file:
            os.fsync(file.fileno())
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"{source} cannot be copied to {draft.parent}: {error}.") from None


def _forget(draft: Path) -> None:
    """Mark restored data as such: what was sent to the data of before is not known to it."""
    # Not the service's own engine, whose log would lie beside the file.
    engine = create_engine(URL.create("sqlite", database=str(draft)), hide_parameters=True, poolclass=NullPool)
    with engine.begin() as connection:
        set_apart(connection)
    engine.dispose()


def _set_aside(target: Path) -> Path:
    """Keep the former database under another name, with all that its log holds, and leave it in place as well."""
    # It may be damaged, and be replaced for that; then its files are kept as they are.
    with suppress(sqlite3.Error), closing(_connect(target, "mode=rw")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    stamp = f"{target.name}.before-restore-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    # A restoration that was killed a moment ago has left its own.
    names = chain([stamp], (f"{stamp}-{number}" for number in count(2)))
    former = next(path for path in map(target.with_name, names) if not path.exists())
    for ending in ("", "-wal", "-shm"):
        file = target.with_name(target.name + ending)
        if file.exists():
            os.link(file, former.with_name(former.name + ending))
    sync_folder(target.parent)
    # They belong to the former pages; applied to the new ones they would destroy them.
    for ending in ("-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)
    return former


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
    )


@contextmanager
def _draft_of(target: Path) -> Iterator[Path]:
    """Yield an empty private file beside ``target``, to be renamed to it; it is gone at the end otherwise."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield draft
    except OSError as error:
        raise BackupError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + ending).unlink(missing_ok=True)


def back_up_postgres(reference: str, target: Path, *, replace: bool = False) -> int:
    """Dump the database to the file ``target`` and return its size in bytes; raises BackupError.

    The dump is one state of the data in PostgreSQL's own format, for its owner alone; services keep running.
    """
    url = database_url(reference)
    with _new_file(target, replace=replace) as draft:
        _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}")
        _tables(draft)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
    return target.stat().st_size


def restore_postgres(source: Path, reference: str, *, replace: bool = False) -> None:
    """Load the dump ``source`` into the database, in one transaction.

    Raises DataLockedError while services are connected to it, BackupError if the dump is not sound or if the
    database holds the service's tables and ``replace`` is not given. A failure leaves the database as it was.
    """
    url = database_url(reference)
    dumped = _tables(source)
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


def _tables(path: Path) -> set[str]:
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
    parts = {"PGUSER": url.username, "PGPASSWORD": url.password, "PGHOST": url.host, "PGPORT": url.port}
    options = {f"PG{name.upper()}": value for name, value in url.query.items()}  # such as PGSSLMODE
    found = {**parts, "PGDATABASE": url.database, **options}
    return {name: str(value) for name, value in found.items() if value is not None}
