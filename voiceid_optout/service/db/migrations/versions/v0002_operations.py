"""Batch jobs, watchlists, fraudsters and sessions; every domain gets its default watchlist as a row."""

import sqlalchemy as sa
from alembic import op

revision = "0002_operations"
down_revision = "0001_first"

_Sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables and the default watchlists."""
    _jobs()
    _watchlists()
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


def _jobs() -> None:
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


def _watchlists() -> None:
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
