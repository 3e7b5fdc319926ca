"""PostgreSQL, the database that any number of services share: which one to use, and how.

Writers work at READ COMMITTED and take locks first, always in one order (docs/adr/0006-service-storage.md): a lock
of the whole database, shared by those who change one domain and exclusive for those who change more; then the rows
of their domains, by id. Whoever holds a domain's row is the only one to change the domain or anything in it, so
that sequence numbers within a domain are given in the order in which their transactions commit. Readers see one
snapshot.
"""

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, NullPool, create_engine, event, func, literal, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from voiceid_optout.service.db.schema import domains
from voiceid_optout.service.errors import StartError

ENVIRONMENT = "OPTOUT_DATABASE"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_OTHERS = 0o077
_SECRET = re.compile(r"password|secret|scram_\w+_key", re.IGNORECASE)


APPLICATION = "voiceid-optout"
_LOCK = literal(0x766F696365, BigInteger)  # "voice"; advisory locks are the database's own, whatever its tables
# A service that hangs amid a transaction must not stop the others for ever. The first three notice a lost network.
_CONNECTION = {
    "application_name": APPLICATION,
    "connect_timeout": 10,
    "keepalives_idle": 20,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# A plan that is kept is the one for the small tables of the service's first minutes, and reads them as a whole
# later.
_SESSION = """
    SELECT set_config('lock_timeout', '10s', false),
           set_config('idle_in_transaction_session_timeout', '30s', false),
           set_config('plan_cache_mode', 'force_custom_plan', false),
           set_config('synchronous_commit',
                      CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply'
                      ELSE 'on' END, false)
"""


def database_url(reference: str) -> URL:
    """Return the PostgreSQL URL that ``reference`` gives: a URL, ``file:PATH`` or ``env:NAME``; raises StartError.

    No error repeats the URL, which may hold a password.
    """
    text, where = _resolved(reference)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StartError(f"{where} is not a URL of the form postgresql://user@host:port/database.") from None
    if url.drivername not in _SCHEMES:
        raise StartError(
            f"{where} must start with postgresql://. SQLite needs no URL: its file lies in the data folder."
        )
    return url.set(drivername="postgresql+psycopg")


def has_password(reference: str) -> bool:
    """Tell whether the reference itself, which others may see in a list of processes, carries a secret.

    libpq takes one before the host or among the parameters: password, sslpassword, oauth_client_secret and the
    scram keys; options may set anything. A parameter with the path of a file is none.
    """
    if reference.startswith(("file:", "env:")):
        return False
    url = database_url(reference)
    options = " ".join(_texts(url.query.get("options", "")))
    return bool(url.password or _SECRET.search(options)) or any(
        _SECRET.search(name) and any(_texts(value)) for name, value in url.query.items()
    )


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _resolved(reference: str) -> tuple[str, str]:
    kind, _, name = reference.partition(":")
    if kind == "env":
        if not os.environ.get(name):
            raise StartError(f"The environment variable {name}, which is to hold the database's URL, is not set.")
        return os.environ[name], f"The content of the environment variable {name}"
    if kind == "file":
        path = Path(name)
        try:
            if path.stat().st_mode & _OTHERS:
                raise StartError(f"{path} can be read by others than its owner; run: chmod 600 {path}")
            return path.read_text(encoding="utf-8").strip(), f"The content of {path}"
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise StartError(f"{path}, which is to hold the database's URL, cannot be read: {reason}.") from None
    return reference, "The database"


def writer(url: URL) -> Engine:
    """Return an engine whose commits are on disk when they return."""
    return _engine(url, read_only=False)


def reader(url: URL) -> Engine:
    """Return an engine whose transactions see one state of the data and cannot change it."""
    return _engine(url, read_only=True)


def lock(connection: Connection, domain_ids: Collection[str] | None) -> None:
    """Take a writer's locks: those of some domains, or of the whole database for None."""
    if domain_ids is None:
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        return
    connection.execute(select(func.pg_advisory_xact_lock_shared(_LOCK)))
    # A statement of its own, whose snapshot is younger than the lock: it sees every domain that was made before.
    connection.execute(
        select(domains.c.sequence)
        .where(domains.c.domain_id.in_(sorted(domain_ids)))
        .order_by(domains.c.domain_id)
        .with_for_update(key_share=True)
    )


def check(connection: Connection) -> None:
    """Raise StartError if the server is set up to lose what it has acknowledged."""
    if connection.exec_driver_sql("SHOW fsync").scalar() == "off":
        raise StartError(
            "PostgreSQL runs with fsync = off, so nothing it acknowledges is sure to be on disk; switch it on."
        )


def _engine(url: URL, *, read_only: bool) -> Engine:
    # hide_parameters keeps people's identifiers out of the texts of database errors.
    try:
        engine = create_engine(
            url,
            hide_parameters=True,
            poolclass=NullPool,
            connect_args={name: value for name, value in _CONNECTION.items() if name not in url.query},
        )
    except (ImportError, NoSuchModuleError):
        raise StartError(
            "PostgreSQL needs the driver psycopg, which is not installed; run: "
            "pip install 'voiceid-optout[postgres]'"
        ) from None

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.autocommit = True
        connection.execute(_SESSION)
        connection.autocommit = False
        if read_only:
            from psycopg import IsolationLevel  # noqa: PLC0415  an optional dependency

            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True

    return engine
