"""Access keys: what a key may do by its role, and the keys that the database holds, added, listed and revoked.

There are three roles, each with the operations of the one before it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from voiceid_optout.service.db.schema import access_keys as table
from voiceid_optout.service.errors import ApiError, ServiceError, denied
from voiceid_optout.service.secret_source import Kind, SecretSource


class Role(StrEnum):
    """``read`` changes nothing, ``reconcile`` opts people out as well, ``admin`` may do everything."""

    READ = "read"
    RECONCILE = "reconcile"
    ADMIN = "admin"


OPT_OUT = "OptOutSpeaker"
RELEASE = "DeleteSpeaker"
_READING = ("Describe", "List", "Evaluate")


def is_reading(operation: str) -> bool:
    """Tell whether an operation changes nothing."""
    return operation.startswith(_READING)


def granted(role: Role, operations: Iterable[str], *, may_release: bool) -> frozenset[str]:
    """Return those of ``operations`` that a key with the role may call.

    Releasing a person undoes an opt-out, so the role of a reconciler includes it only where that was asked for.
    """
    if role is Role.ADMIN:
        return frozenset(operations)
    wanted = {name for name in operations if is_reading(name)}
    if role is Role.RECONCILE:
        wanted |= {OPT_OUT, RELEASE} if may_release else {OPT_OUT}
    return frozenset(wanted)


def not_granted(role: Role, operation: str) -> ApiError:
    """Return the answer to a call that the key's role does not include."""
    hint = ", unless the key is added with --may-release" if (role, operation) == (Role.RECONCILE, RELEASE) else ""
    return denied(
        f"The access key has the role '{role}', which does not include {operation}{hint}. See `optout serve keys`."
    )


@dataclass(frozen=True, slots=True)
class Key:
    """A key with which a request may be signed, and the operations it may call."""

    access_key_id: str
    secret: str = field(repr=False)
    role: Role
    operations: frozenset[str] = field(repr=False)


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


def read_rows(connection: Connection) -> tuple[KeyRow, ...]:
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
