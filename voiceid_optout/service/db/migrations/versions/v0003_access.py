"""Access and events: keys with roles, used signatures, and the outbox of speaker events with its leases."""

import sqlalchemy as sa
from alembic import op

revision = "0003_access"
down_revision = "0002_operations"

_Sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
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
