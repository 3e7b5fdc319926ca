"""Access keys: what a key may do by its role, those that the database holds, and those that are good now.

There are three roles, each with the operations of the one before it. A running service follows the keys of the
database and of its own credentials file, so that a change counts within a second.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from voiceid_optout.service.data_folder import CREDENTIALS_NAME, load_credentials, read_credentials
from voiceid_optout.service.db.schema import access_keys as table
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Operation, read
from voiceid_optout.service.errors import ApiError, ServiceError, StartError, denied
from voiceid_optout.service.settings import Kind, SecretError, SecretSource


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


POLL_SECONDS = 1.0
_log = logging.getLogger("voiceid_optout.service")


@dataclass(frozen=True, slots=True)
class Ring:
    """``keys`` by access key id; ``faults`` says of each key that cannot be used now, why."""

    keys: Mapping[str, Key] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


def make_ring(rows: Iterable[KeyRow], local: Mapping[str, str], operations: Iterable[str]) -> Ring:
    """Resolve the store's keys and join the ``local`` ones (secrets by access key id), which are admins.

    What the store has revoked stays revoked, also where a local file still names it.
    """
    names = frozenset(operations)
    everything = granted(Role.ADMIN, names, may_release=True)
    keys = {name: Key(name, secret, Role.ADMIN, everything) for name, secret in local.items()}
    faults: dict[str, str] = {}
    for row in rows:
        keys.pop(row.access_key_id, None)
        if row.revoked_at is not None:
            continue
        try:
            secret = row.source.resolve()
        except SecretError as error:
            faults[row.access_key_id] = str(error)
            continue
        allowed = granted(row.role, names, may_release=row.may_release)
        keys[row.access_key_id] = Key(row.access_key_id, secret, row.role, allowed)
    return Ring(keys, faults)


KEYS: Mapping[str, Operation] = {"ReadKeys": read(lambda tx, _request: {"Keys": read_rows(tx.connection)})}


class Keys:
    """The keys that a service takes; ``folder`` is None where it has no credentials file of its own."""

    def __init__(self, store: Store, folder: Path | None, operations: Iterable[str]) -> None:
        self._store = store
        self._folder = folder
        self._operations = frozenset(operations)
        self._fault = ""
        self._local: Mapping[str, str] = {}
        self.ring = Ring()

    async def load(self) -> None:
        """Read the keys for the first time; raises StartError."""
        if self._folder is not None:
            self._local = load_credentials(self._folder)
        await self._refresh()
        if not self.ring.keys:
            _log.warning("There is no access key yet: add one with `optout serve keys add`.")

    async def follow(self, replace: Callable[[Mapping[str, Key]], None]) -> None:
        """Hand over the keys after every change from now on."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            before = self.ring
            try:
                await self._refresh()
            except ApiError:
                continue  # the database cannot be read; what needs it fails by itself, and the store has logged it
            if self.ring.keys != before.keys:
                replace(self.ring.keys)
                _log.info("The access keys have changed: %d are good.", len(self.ring.keys))

    async def _refresh(self) -> None:
        rows = (await self._store.run("ReadKeys", {}))["Keys"]
        # In a thread, because it reads files: those of secrets may lie on a network.
        ring = await asyncio.to_thread(self._make, rows)
        for access_key_id, fault in ring.faults.items():
            if self.ring.faults.get(access_key_id) != fault:
                _log.error("The access key %s cannot be used: %s.", access_key_id, fault)
        self.ring = ring

    def _make(self, rows: Iterable[KeyRow]) -> Ring:
        if self._folder is not None:
            self._local = self._read_local(self._folder / CREDENTIALS_NAME)
        return make_ring(rows, self._local, self._operations)

    def _read_local(self, path: Path) -> Mapping[str, str]:
        """Return the file's keys; none if it was removed, and those of before while it cannot be used."""
        try:
            keys = read_credentials(path)
        except FileNotFoundError:
            return {}
        except (OSError, StartError) as error:
            fault = str(error) if isinstance(error, StartError) else f"{path} cannot be read: {error.strerror}."
            if fault != self._fault:
                _log.error("%s The keys of before stay good.", fault)
            self._fault = fault
            return self._local
        self._fault = ""
        return keys
