"""The store of access keys in the database: adding, listing and revoking them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from voiceid_optout.service.auth.roles import Role
from voiceid_optout.service.db.access_tables import access_keys as table
from voiceid_optout.service.errors import ServiceError
from voiceid_optout.service.secret_source import Kind, SecretSource


class KeyExistsError(ServiceError):
    """There is, or was, a key with this id: an id is never given twice."""


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as the store keeps it. Times are epoch seconds; ``revoked_at`` is None while it is good."""

    access_key_id: str
    name: str
    role: Role
    source: SecretSource
    created_at: float
    may_release: bool = False
    revoked_at: float | None = None


def read(connection: Connection) -> tuple[KeyRow, ...]:
    """Return all keys, revoked ones too, in the order in which they were added."""
    query = select(table).order_by(table.c.created_at, table.c.access_key_id)
    return tuple(_key(row) for row in connection.execute(query))


def add(connection: Connection, key: KeyRow) -> None:
    """Add a key; raises KeyExistsError."""
    if connection.scalar(select(table.c.role).where(table.c.access_key_id == key.access_key_id)) is not None:
        raise KeyExistsError(f"There is a key {key.access_key_id} already, or there was; an id is not used twice.")
    connection.execute(insert(table), _row(key))


def revoke(connection: Connection, access_key_id: str, now: float) -> bool:
    """Revoke a key of the store and forget its secret; return False if it was revoked before.

    Raises KeyError if the store has no such key.
    """
    found = connection.execute(select(table).where(table.c.access_key_id == access_key_id)).first()
    if found is None:
        raise KeyError(access_key_id)
    if found.revoked_at is not None:
        return False
    values = {"revoked_at": now, "secret": "", "secret_kind": Kind.NONE}
    connection.execute(update(table).where(table.c.access_key_id == access_key_id).values(values))
    return True


def _key(row: Row[Any]) -> KeyRow:
    return KeyRow(
        access_key_id=row.access_key_id,
        name=row.name,
        role=Role(row.role),
        source=SecretSource(Kind(row.secret_kind), row.secret),
        created_at=row.created_at,
        may_release=row.may_release,
        revoked_at=row.revoked_at,
    )


def _row(key: KeyRow) -> dict[str, Any]:
    return {
        "access_key_id": key.access_key_id,
        "name": key.name,
        "role": key.role,
        "may_release": key.may_release,
        "secret_kind": key.source.kind,
        "secret": key.source.text,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }
