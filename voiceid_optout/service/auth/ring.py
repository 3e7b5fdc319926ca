"""The keys that are good now: those of the store, and those of this process's own credentials file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from voiceid_optout.service.auth.key_table import KeyRow
from voiceid_optout.service.auth.roles import Role, granted
from voiceid_optout.service.secret_source import SecretError


@dataclass(frozen=True, slots=True)
class Key:
    """A key with which a request may be signed, and the operations it may call."""

    access_key_id: str
    secret: str = field(repr=False)
    role: Role
    operations: frozenset[str] = field(repr=False)


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
