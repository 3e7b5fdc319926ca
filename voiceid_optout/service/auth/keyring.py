"""The keys that are good now, in a running service: those of the database and those of its own credentials file.

They are followed, so that a change counts within a second.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from voiceid_optout.service.auth import credentials_file
from voiceid_optout.service.auth.keys import Key, KeyRow, Role, granted, read_rows
from voiceid_optout.service.auth.sigv4 import Verifier
from voiceid_optout.service.data_folder import CREDENTIALS_NAME
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Operation, Request, Result, Transaction, read
from voiceid_optout.service.errors import ApiError, StartError
from voiceid_optout.service.secret_source import SecretError

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


def read_keys(tx: Transaction, _request: Request) -> Result:
    return {"Keys": read_rows(tx.connection)}


KEYS: Mapping[str, Operation] = {"ReadKeys": read(read_keys)}


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
            self._local = credentials_file.load_keys(self._folder)
        await self._refresh()
        if not self.ring.keys:
            _log.warning("There is no access key yet: add one with `optout serve keys add`.")

    async def follow(self, verifier: Verifier) -> None:
        """Give the verifier every change from now on."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            before = self.ring
            try:
                await self._refresh()
            except ApiError:
                continue  # the database cannot be read; what needs it fails by itself, and the store has logged it
            if self.ring.keys != before.keys:
                verifier.replace(self.ring.keys)
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
            keys = credentials_file.read_keys(path)
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
