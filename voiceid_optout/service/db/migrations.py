"""The schema's history: where a database stands in it, and the steps that bring it to this release's revision.

The steps are applied when the service starts. To add one:

1. Define the tables in ``voiceid_optout.service.db.schema``.
2. Add a function and its revision at the end of ``STEPS``: ``NNNN_name``, with the next number. It uses Alembic's
   operations in plain, explicit columns, and not the package's tables: those change, a published step never does.
   Both databases must take it: ``_Sequence`` for numbers that the database gives, no server types.
3. Run ``pytest tests/service/db/test_migrations.py``: it compares what the steps make with what the tables say, in
   SQLite and PostgreSQL.

Revisions are one line without branches; there is no way down, a backup is.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Connection, inspect, select, update

from voiceid_optout.service.db.schema import meta, speakers
from voiceid_optout.service.errors import StartError

if TYPE_CHECKING:
    from alembic.operations import Operations

_COUNTED = "1"
_SINCE_ALEMBIC = "2"
"""What ``meta`` keeps as schema version since Alembic counts: releases from before refuse it by this number."""

_Sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_revisions = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def current(connection: Connection) -> str | None:
    """Return the database's revision, or None if it has none: it is empty, or of a release before Alembic."""
    if not inspect(connection).has_table(_revisions.name):
        return None
    revision: str | None = connection.scalar(select(_revisions.c.version_num))
    return revision


def is_current(connection: Connection) -> bool:
    """Tell whether nothing is to be migrated; raises StartError if a newer release wrote the database."""
    revision, newest = current(connection), list(STEPS)[-1]
    if revision is not None and revision not in STEPS:
        raise StartError(
            f"The database has schema revision {revision} and this release knows up to {newest}: it was written "
            "by a newer release. Install that one."
        )
    return revision == newest


def is_known(connection: Connection) -> bool:
    """Tell whether a release up to this one made the database; raises StartError if a newer one did."""
    if current(connection) is not None:
        is_current(connection)
        return True
    return inspect(connection).has_table(meta.name) and inspect(connection).has_table(speakers.name)


def migrate(connection: Connection) -> None:
    """Bring the schema up to date; the caller's transaction must keep other services out."""
    if is_current(connection):
        return
    since = current(connection)
    if since is None and inspect(connection).has_table(meta.name):
        since = _adopted(connection)
    upgrade(connection, since)
    version = meta.c.key == "schema_version"
    if connection.execute(update(meta).where(version).values(value=_SINCE_ALEMBIC)).rowcount == 0:
        connection.execute(meta.insert(), {"key": "schema_version", "value": _SINCE_ALEMBIC})


def _adopted(connection: Connection) -> str:
    """Return the revision of a database of the release that counted its schema versions itself."""
    version = connection.scalar(select(meta.c.value).where(meta.c.key == "schema_version"))
    if version != _COUNTED:
        raise StartError(
            f"The database has schema version {version}, which no release is known to have written; restore it "
            "from a backup."
        )
    return next(iter(STEPS))


def upgrade(connection: Connection, since: str | None, to: str | None = None) -> None:
    """Apply the steps after ``since``, up to ``to`` or all, within the connection's transaction."""
    # A fifth of a second, which only a migration is to cost.
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.operations import Operations  # noqa: PLC0415

    names = list(STEPS)
    first = 0 if since is None else names.index(since) + 1
    last = len(names) if to is None else names.index(to) + 1
    op = Operations(MigrationContext.configure(connection))
    for name in names[first:last]:
        STEPS[name](op)
    _revisions.create(connection, checkfirst=True)
    connection.execute(_revisions.delete())
    connection.execute(_revisions.insert(), {"version_num": names[last - 1]})


def _first(op: "Operations") -> None:
    """The tables of the first release: domains, speakers, tags, and what signs and repeats answers."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "domains",
        sa.Column("sequence", _Sequence, primary_key=True, autoincrement=True),
        sa.Column("domain_id", sa.String(22), nullable=False, unique=True),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("description", sa.String(1024)),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("kms_key_id", sa.String(2048), nullable=False),
        sa.Column("old_kms_key_id", sa.String(2048)),
        sa.Column("default_watchlist_id", sa.String(22), nullable=False),
        sa.Column("speaker_count", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("deleted_at", sa.Double),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "speakers",
        sa.Column("sequence", _Sequence, primary_key=True, autoincrement=True),
        sa.Column("domain_id", sa.String(22), nullable=False),
        sa.Column("customer_id", sa.String(256), nullable=False),
        sa.Column("generated_id", sa.String(25), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("last_accessed_at", sa.Double),
        sa.UniqueConstraint("domain_id", "customer_id"),
        sa.UniqueConstraint("domain_id", "generated_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("speakers_in_order", "speakers", ["domain_id", "sequence"])
    op.create_table(
        "tags",
        sa.Column("domain_id", sa.String(22), primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("value", sa.String(256), nullable=False),
    )
    op.create_table(
        "client_tokens",
        sa.Column("operation", sa.String(64), primary_key=True),
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("response", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )


def _operations(op: "Operations") -> None:
    """Batch jobs, watchlists, fraudsters and sessions; every domain gets its default watchlist as a row."""
    _jobs(op)
    _watchlists(op)
    op.create_table(
        "sessions",
        sa.Column("domain_id", sa.String(22), primary_key=True),
        sa.Column("session_name", sa.String(36), primary_key=True),
        sa.Column("session_id", sa.String(25), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.UniqueConstraint("domain_id", "session_id"),
    )
    enrolled = sa.text("status = 'ENROLLED'")
    op.create_index(
        "speakers_by_access", "speakers", ["last_accessed_at"], sqlite_where=enrolled, postgresql_where=enrolled
    )
    op.execute(
        "INSERT INTO watchlists (watchlist_id, domain_id, name, created_at, updated_at) "
        "SELECT default_watchlist_id, domain_id, 'DefaultWatchlist', created_at, created_at "
        "FROM domains ORDER BY sequence"
    )


def _jobs(op: "Operations") -> None:
    op.create_table(
        "jobs",
        sa.Column("sequence", _Sequence, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.String(22), nullable=False, unique=True),
        sa.Column("domain_id", sa.String(22), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("failure_message", sa.Text),
        sa.Column("failure_code", sa.Integer),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer),
        sa.Column("manifest_digest", sa.String(64)),
        sa.Column("owner", sa.String(22)),
        sa.Column("lease_until", sa.Double),
        sqlite_autoincrement=True,
    )
    op.create_index("jobs_in_order", "jobs", ["domain_id", "kind", "sequence"])
    active = sa.text("status IN ('SUBMITTED', 'IN_PROGRESS')")
    op.create_index(
        "jobs_active", "jobs", ["domain_id", "kind"], unique=True, sqlite_where=active, postgresql_where=active
    )
    op.create_table(
        "job_outcomes",
        sa.Column("job_id", sa.String(22), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("generated_id", sa.String(25)),
    )


def _watchlists(op: "Operations") -> None:
    op.create_table(
        "watchlists",
        sa.Column("sequence", _Sequence, primary_key=True, autoincrement=True),
        sa.Column("watchlist_id", sa.String(22), nullable=False),
        sa.Column("domain_id", sa.String(22), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("description", sa.String(1024)),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.UniqueConstraint("domain_id", "watchlist_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "fraudsters",
        sa.Column("sequence", _Sequence, primary_key=True, autoincrement=True),
        sa.Column("domain_id", sa.String(22), nullable=False),
        sa.Column("generated_id", sa.String(25), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.UniqueConstraint("domain_id", "generated_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("fraudsters_in_order", "fraudsters", ["domain_id", "sequence"])
    op.create_table(
        "watchlist_members",
        sa.Column("domain_id", sa.String(22), primary_key=True),
        sa.Column("watchlist_id", sa.String(22), primary_key=True),
        sa.Column("generated_id", sa.String(25), primary_key=True),
    )
    op.create_index("watchlists_of_fraudster", "watchlist_members", ["domain_id", "generated_id"])


def _access(op: "Operations") -> None:
    """Access and events: keys with roles, used signatures, and the outbox of speaker events with its leases."""
    op.create_table(
        "access_keys",
        sa.Column("access_key_id", sa.String(128), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("may_release", sa.Boolean, nullable=False),
        sa.Column("secret_kind", sa.String(8), nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("revoked_at", sa.Double),
    )
    op.create_table(
        "used_signatures",
        sa.Column("signature", sa.String(64), primary_key=True),
        sa.Column("first_used_at", sa.Double, nullable=False),
    )
    op.create_index("used_signatures_by_age", "used_signatures", ["first_used_at"])
    op.create_table(
        "event_outbox",
        sa.Column("sequence", _Sequence, primary_key=True, autoincrement=True),
        sa.Column("sink", sa.String(16), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("event_outbox_in_order", "event_outbox", ["sink", "sequence"])
    op.create_table(
        "event_leases",
        sa.Column("sink", sa.String(16), primary_key=True),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("until", sa.Double, nullable=False),
    )


def _once(op: "Operations") -> None:
    """Requests that were used, by marks that begin with their date; what the former table knew has none.

    So all that was signed until now is refused. A person's row has the mark that opted them out.
    """
    op.add_column("speakers", sa.Column("opted_out_by", sa.String(24)))
    op.create_table(
        "used_requests",
        sa.Column("mark", sa.String(24), primary_key=True),
        sa.Column("outcome", sa.Text),
    )
    boundary = sa.text(
        "INSERT INTO meta (key, value) SELECT 'forgotten_requests', :newest "
        "WHERE EXISTS (SELECT signature FROM used_signatures) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    )
    op.get_bind().execute(boundary, {"newest": f"{int(time.time()):08x}"})
    op.drop_table("used_signatures")


STEPS: Mapping[str, Callable[["Operations"], None]] = {
    "0001_first": _first,
    "0002_operations": _operations,
    "0003_access": _access,
    "0004_once": _once,
}
"""The steps by the revisions that they lead to, in their order."""
