"""Tables of the service, in SQLAlchemy Core so that the SQL stays portable.

Times are epoch seconds. ``sequence`` numbers rules the order of listings: it only ever grows, so pages stay valid
while rows come and go.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData()

# SQLite numbers rows by itself only in a column that is exactly INTEGER.
SequenceNumber = BigInteger().with_variant(Integer, "sqlite")


def _listed(name: str, *items: SchemaItem) -> Table:
    """Make a table whose rows are listed in the order in which they came."""
    sequence = Column("sequence", SequenceNumber, primary_key=True, autoincrement=True)
    return Table(name, metadata, sequence, *items, sqlite_autoincrement=True)


meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

domains = _listed(
    "domains",
    Column("domain_id", String(22), nullable=False, unique=True),
    Column("name", String(256), nullable=False),
    Column("description", String(1024)),
    Column("status", String(16), nullable=False),
    Column("kms_key_id", String(2048), nullable=False),
    Column("old_kms_key_id", String(2048)),
    Column("default_watchlist_id", String(22), nullable=False),
    # Kept beside the rows, because counting 100,000 speakers for each new one would cost more than the write.
    Column("speaker_count", Integer, nullable=False, default=0),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("deleted_at", Double),
)

speakers = _listed(
    "speakers",
    Column("domain_id", String(22), nullable=False),
    Column("customer_id", String(256), nullable=False),
    Column("generated_id", String(25), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("last_accessed_at", Double),
    # The mark of the request that opted the person out (see idempotency.py).
    Column("opted_out_by", String(24)),
    UniqueConstraint("domain_id", "customer_id"),
    UniqueConstraint("domain_id", "generated_id"),
)

Index("speakers_in_order", speakers.c.domain_id, speakers.c.sequence)
# Only the enrolled can expire, so that an opt-out pays nothing for this index.
_enrolled = speakers.c.status == "ENROLLED"
Index(
    "speakers_by_access",
    speakers.c.last_accessed_at,
    sqlite_where=_enrolled,
    postgresql_where=_enrolled,
)

tags = Table(
    "tags",
    metadata,
    Column("domain_id", String(22), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("value", String(256), nullable=False),
)

client_tokens = Table(
    "client_tokens",
    metadata,
    Column("operation", String(64), primary_key=True),
    Column("token", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("response", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)


jobs = _listed(
    "jobs",
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

watchlists = _listed(
    "watchlists",
    Column("watchlist_id", String(22), nullable=False),
    Column("domain_id", String(22), nullable=False),
    Column("name", String(256), nullable=False),
    Column("description", String(1024)),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    UniqueConstraint("domain_id", "watchlist_id"),
)

fraudsters = _listed(
    "fraudsters",
    Column("domain_id", String(22), nullable=False),
    Column("generated_id", String(25), nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("domain_id", "generated_id"),
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

access_keys = Table(
    "access_keys",
    metadata,
    Column("access_key_id", String(128), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("may_release", Boolean, nullable=False),
    # How "secret" is meant: the secret itself, or where each process finds it. Both are empty once it is revoked.
    Column("secret_kind", String(8), nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("revoked_at", Double),
)

used_requests = Table(
    "used_requests",
    metadata,
    Column("mark", String(24), primary_key=True),
    # The answer to give again, in JSON; none for an opt-out, whose answer is the person's row.
    Column("outcome", Text),
)

event_outbox = _listed(
    "event_outbox",
    Column("sink", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

Index("event_outbox_in_order", event_outbox.c.sink, event_outbox.c.sequence)

event_leases = Table(
    "event_leases",
    metadata,
    Column("sink", String(16), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Double, nullable=False),
)
