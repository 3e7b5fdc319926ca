"""The tables behind access: keys, and the requests that were used."""

from sqlalchemy import Boolean, Column, Double, String, Table, Text

from voiceid_optout.service.db.schema import metadata

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
