"""The running data side of the service: one writer, some readers, and operations submitted to them."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from voiceid_optout.service.db.database import Database, open_database
from voiceid_optout.service.db.inbox import Inbox, Job, Outcome
from voiceid_optout.service.db.transaction import Request, Result, Tenant, Transaction
from voiceid_optout.service.db.worker import Worker
from voiceid_optout.service.errors import ApiError
from voiceid_optout.service.http.metrics import Histogram
from voiceid_optout.service.operations.catalogue import Operation, domains_written, run_batch

READERS = 2

Clock = Callable[[], float]


class Store:
    """Runs operations on the database. Make it, use it and close it on one running event loop.

    ``folder`` is where the database's file lies, None for a database that lies elsewhere.
    """

    def __init__(
        self,
        folder: Path,
        tenant: Tenant,
        operations: Mapping[str, Operation],
        clock: Clock = time.time,
        database: str | None = None,
        batches: Histogram | None = None,
    ) -> None:
        """Open the database in ``folder``, or the one that ``database`` refers to; raises StartError.

        ``batches`` counts how many requests share a write transaction.
        """
        self._database: Database = open_database(folder, database)
        self.folder = folder if database is None else None
        self._tenant = tenant
        self._operations = operations
        self._clock = clock
        self._batches = batches
        self._writes, self._reads = Inbox(), Inbox()
        self._writer = Worker("writer", self._database.writer, self._write, self._writes)
        self._readers = [
            Worker(f"reader-{number}", self._database.reader, self._execute, self._reads)
            for number in range(READERS)
        ]

    async def run(self, operation: str, request: Request, mark: str | None = None) -> Result:
        """Return the operation's result once it is durable (writes) or read; raises ApiError.

        A write with a ``mark`` that was used before has no second effect and gets the answer of then.
        """
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if self._operations[operation].writes:
            self._writes.put(Job(operation, request, answer, mark))
        else:
            self._reads.put(Job(operation, request, answer))
        outcome = await answer
        if isinstance(outcome, ApiError):
            raise outcome
        return dict(outcome)

    @property
    def commits(self) -> int:
        """How many transactions of the writer have been committed; each may have held many requests."""
        return self._writer.transactions

    @property
    def full_at(self) -> float:
        """When, on the monotonic clock, there was last no room for a caller's change."""
        return self._writer.full_at

    def close(self) -> None:
        """Finish what was submitted and close the database."""
        # Whoever leaves SQLite's log last empties it, and must be alone then.
        for inbox, workers in ((self._reads, self._readers), (self._writes, [self._writer])):
            for _ in workers:
                inbox.end()
            for worker in workers:
                worker.join()
        self._database.close()

    def _write(self, connection: Connection, jobs: Sequence[Job]) -> Sequence[Outcome]:
        if self._batches is not None:
            self._batches.add(len(jobs))
        self._database.lock(connection, domains_written(jobs, self._operations))
        return self._execute(connection, jobs)

    def _execute(self, connection: Connection, jobs: Sequence[Job]) -> Sequence[Outcome]:
        now = round(self._clock(), 3)
        tx = Transaction(connection, now, self._tenant, self._database.token_key)
        return run_batch(tx, jobs, self._operations)
