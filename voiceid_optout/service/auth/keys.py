"""Keys of a running service: read from the store and followed, so that a change there counts within a second."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from voiceid_optout.service.auth import credentials_file, key_table
from voiceid_optout.service.auth.ring import Ring, make_ring
from voiceid_optout.service.auth.sigv4 import Verifier
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.errors import ApiError, StartError
from voiceid_optout.service.operations.catalogue import Operation, read

POLL_SECONDS = 1.0

_log = logging.getLogger("voiceid_optout.service")


def read_keys(tx: Transaction, _request: Request) -> Result:
    return {"Keys": key_table.read(tx.connection)}


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

    def _make(self, rows: Iterable[key_table.KeyRow]) -> Ring:
        if self._folder is not None:
            self._local = self._read_local(self._folder / credentials_file.FILE_NAME)
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
