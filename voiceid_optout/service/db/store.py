"""The running data side of the service: one writer, some readers, and operations submitted to them."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from sqlalchemy import Connection

from voiceid_optout.service.db.database import Database, open_database
from voiceid_optout.service.db.idempotency import Used
from voiceid_optout.service.db.transaction import Operation, Request, Result, Transaction
from voiceid_optout.service.db.worker import Inbox, Job, Outcome, Worker
from voiceid_optout.service.errors import ApiError
from voiceid_optout.service.settings import Tenant

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
        on_batch: Callable[[int], None] | None = None,
    ) -> None:
        """Open the database in ``folder``, or the one that ``database`` refers to; raises StartError.

        ``on_batch`` is told how many requests share each write transaction.
        """
        self._database: Database = open_database(folder, database)
        self.folder = folder if database is None else None
        self._tenant = tenant
        self._operations = operations
        self._clock = clock
        self._on_batch = on_batch
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
        if self._on_batch is not None:
            self._on_batch(len(jobs))
        self._database.lock(connection, domains_written(jobs, self._operations))
        return self._execute(connection, jobs)

    def _execute(self, connection: Connection, jobs: Sequence[Job]) -> Sequence[Outcome]:
        now = round(self._clock(), 3)
        tx = Transaction(connection, now, self._tenant, self._database.token_key)
        return run_batch(tx, jobs, self._operations)


def domains_written(jobs: Iterable[Job], operations: Mapping[str, Operation]) -> set[str] | None:
    """Return the ids of the domains that the jobs may change, or None if they may change more than these."""
    found: set[str] = set()
    for job in jobs:
        if operations[job.operation].apart:
            continue
        domain_id = job.request.get("DomainId") or job.request.get("ResourceArn", "").rpartition("/")[2]
        if not domain_id or operations[job.operation].alone:
            return None
        found.add(domain_id)
    return found


def run_batch(tx: Transaction, jobs: Sequence[Job], operations: Mapping[str, Operation]) -> list[Outcome]:
    """Run the jobs in order; neighbours of one operation go through it together. A mark has its effect once."""
    used = Used(tx, [job.mark for job in jobs if job.mark is not None])
    outcomes: list[Outcome] = []
    for name, group in groupby(jobs, key=lambda job: job.operation):
        outcomes += _run(tx, operations[name], list(group), used)
    return outcomes


def _run(tx: Transaction, operation: Operation, jobs: Sequence[Job], used: Used) -> list[Outcome]:
    """Run those jobs that are due, and answer the others as they were answered before."""
    due: dict[str | int, Job] = {}
    for place, job in enumerate(jobs):
        if job.mark is None or (operation.knows_repeats and not used.has_answer(job.mark)):
            due[place] = job
        elif not operation.knows_repeats and job.mark not in used and not used.is_forgotten(job.mark):
            due.setdefault(job.mark, job)
    requests = [dict(job.request) for job in due.values()]
    if operation.knows_repeats:
        for request, job in zip(requests, due.values(), strict=True):
            if job.mark is not None:
                request |= {"Mark": job.mark, "Repeated": job.mark in used}
    found = dict(zip(due, operation.run(tx, requests), strict=True)) if due else {}
    if operation.knows_repeats:
        first = [(job.mark, found[place]) for place, job in due.items() if job.mark and job.mark not in used]
        used.note(mark for mark, _ in first)
        used.add((mark, outcome) for mark, outcome in first if isinstance(outcome, ApiError))
    else:
        used.add((mark, outcome) for mark, outcome in found.items() if isinstance(mark, str))
    return [found[place] if place in found else _known(found, job, used) for place, job in enumerate(jobs)]


def _known(found: Mapping[str | int, Outcome], job: Job, used: Used) -> Outcome:
    mark = job.mark or ""
    return found[mark] if mark in found else used.answer(mark)
