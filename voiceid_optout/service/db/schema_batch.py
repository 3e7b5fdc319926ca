"""Tables of batch jobs and of what they make besides speakers: watchlists, fraudsters, sessions."""

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text, UniqueConstraint

from voiceid_optout.service.db.schema import SequenceNumber, metadata, speakers

jobs = Table(
    "jobs",
    metadata,
    Column("sequence", SequenceNumber, primary_key=True, autoincrement=True),
    Column("job_id", String(22), nullable=False, unique=True),
    Column("domain_id", String(22), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("status", String(32), nullable=False),
    # The request's members as they came, in JSON: they are shown again, and never searched.
    Column("request", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("failure_message", Text),
    Column("failure_code", Integer),
    # How far it is: requests of the manifest decided, of how many, and the digest of the manifest they are from.
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer),
    Column("manifest_digest", String(64)),
    # Whoever holds the lease runs the job; nobody else may write for it until the lease is over.
    Column("owner", String(22)),
    Column("lease_until", Double),
    sqlite_autoincrement=True,
)

Index("jobs_in_order", jobs.c.domain_id, jobs.c.kind, jobs.c.sequence)
_active = jobs.c.status.in_(["SUBMITTED", "IN_PROGRESS"])
# One active job of a kind in a domain, whatever races.
Index(
    "jobs_active",
    jobs.c.domain_id,
    jobs.c.kind,
    unique=True,
    sqlite_where=_active,
    postgresql_where=_active,
)

job_outcomes = Table(
    "job_outcomes",
    metadata,
    Column("job_id", String(22), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("outcome", String(32), nullable=False),
    Column("generated_id", String(25)),
)

watchlists = Table(
    "watchlists",
    metadata,
    Column("sequence", SequenceNumber, primary_key=True, autoincrement=True),
    Column("watchlist_id", String(22), nullable=False),
    Column("domain_id", String(22), nullable=False),
    Column("name", String(256), nullable=False),
    Column("description", String(1024)),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    UniqueConstraint("domain_id", "watchlist_id"),
    sqlite_autoincrement=True,
)

fraudsters = Table(
    "fraudsters",
    metadata,
    Column("sequence", SequenceNumber, primary_key=True, autoincrement=True),
    Column("domain_id", String(22), nullable=False),
    Column("generated_id", String(25), nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("domain_id", "generated_id"),
    sqlite_autoincrement=True,
)

Index("fraudsters_in_order", fraudsters.c.domain_id, fraudsters.c.sequence)

watchlist_members = Table(
    "watchlist_members",
    metadata,
    Column("domain_id", String(22), primary_key=True),
    Column("watchlist_id", String(22), primary_key=True),
    Column("generated_id", String(25), primary_key=True),
)

Index("watchlists_of_fraudster", watchlist_members.c.domain_id, watchlist_members.c.generated_id)

sessions = Table(
    "sessions",
    metadata,
    Column("domain_id", String(22), primary_key=True),
    Column("session_name", String(36), primary_key=True),
    Column("session_id", String(25), nullable=False),
    # What was seeded, in JSON: shown and compared, never searched.
    Column("content", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("domain_id", "session_id"),
)

# Only the enrolled can expire, so that an opt-out pays nothing for this index.
_enrolled = speakers.c.status == "ENROLLED"
Index(
    "speakers_by_access",
    speakers.c.last_accessed_at,
    sqlite_where=_enrolled,
    postgresql_where=_enrolled,
)
