"""The tables of the first release: domains, speakers, tags, and what signs and repeats answers."""

import sqlalchemy as sa
from alembic import op

revision = "0001_first"
down_revision = None

_Sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
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
