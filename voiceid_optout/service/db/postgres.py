"""PostgreSQL, the database that any number of services share.

Writers work at READ COMMITTED and take locks first, always in one order (docs/adr/0006-service-storage.md): a lock
of the whole database, shared by those who change one domain and exclusive for those who change more; then the rows
of their domains, by id. Whoever holds a domain's row is the only one to change the domain or anything in it, so
that sequence numbers within a domain are given in the order in which their transactions commit. Readers see one
snapshot.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, NullPool, create_engine, event, func, literal, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError

from voiceid_optout.service.db.schema import domains
from voiceid_optout.service.errors import StartError

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
