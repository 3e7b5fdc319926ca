"""Tables of the service, in SQLAlchemy Core so that the SQL stays portable.

Times are epoch seconds. ``sequence`` numbers rules the order of listings: it only ever grows, so pages stay valid
while rows come and go.
"""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

# SQLite numbers rows by itself only in a column that is exactly INTEGER.
SequenceNumber = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

domains = Table(
    "domains",
    metadata,
    Column("sequence", SequenceNumber, primary_key=True, autoincrement=True),
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
    sqlite_autoincrement=True,
)

speakers = Table(
    "speakers",
    metadata,
    Column("sequence", SequenceNumber, primary_key=True, autoincrement=True),
    Column("domain_id", String(22), nullable=False),
    Column("customer_id", String(256), nullable=False),
    Column("generated_id", String(25), nullable=False),
    Column("status", String(16), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("last_accessed_at", Double),
    # The mark of the request that opted the person out (see used_requests.py).
    Column("opted_out_by", String(24)),
    UniqueConstraint("domain_id", "customer_id"),
    UniqueConstraint("domain_id", "generated_id"),
    sqlite_autoincrement=True,
)

Index("speakers_in_order", speakers.c.domain_id, speakers.c.sequence)

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
