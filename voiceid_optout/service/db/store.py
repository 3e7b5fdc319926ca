"""The running data side: one writer, some readers, and operations submitted to them by the event loop.

Requests that wait together share one transaction.

For the writer that is group commit: while one batch is being forced to disk the next one gathers, so the cost of a
sync is split among the requests in flight, and none of them is answered before its own commit has returned.
"""

import asyncio
import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine

from voiceid_optout.service.db.database import Database, open_database
from voiceid_optout.service.db.idempotency import Used
from voiceid_optout.service.db.transaction import (
    Failure,
    Operation,
    PersistentConnection,
    Request,
    Result,
    Transaction,
    classify,
    describe,
    is_full,
)
from voiceid_optout.service.errors import ApiError, concurrent_changes, internal
from voiceid_optout.service.settings import Tenant

MAX_BATCH = 512

Outcome = Mapping[str, Any] | ApiError


MAX_RACES = 5
_PAUSE_SECONDS = 0.01  # doubled after each race, and taken by chance, so that two do not meet again
_log = logging.getLogger("voiceid_optout.service")


@dataclass(frozen=True, slots=True)
class Job:
    """One request on its way to the database; ``mark`` is that of its signature, if it may have its effect once."""

    operation: str
    request: Mapping[str, Any]
    answer: "asyncio.Future[Outcome]"
    mark: str | None = None


class Inbox:
    """A queue of jobs, filled from the event loop and emptied by one or more threads.

    What arrives within one turn of the loop travels together. Handed over one by one, the first request would set
    off a transaction of its own, and the rest of the crowd would wait for its sync to disk.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._turn: deque[Job] = deque()
        self._queue: SimpleQueue[list[Job] | None] = SimpleQueue()

    def put(self, job: Job) -> None:
        """Queue a job; on the event loop only."""
        if not self._turn:
            self._loop.call_soon(self._pass_on)
        self._turn.append(job)

    def take(self) -> tuple[list[Job], bool]:
        """Wait for jobs and return all that are queued, up to a bound; True once the inbox has ended."""
        batch: list[Job] = []
        jobs = self._queue.get()
        while jobs is not None:
            batch += jobs
            if len(batch) >= MAX_BATCH:
                return batch, False
            try:
                jobs = self._queue.get_nowait()
            except Empty:
                return batch, False
        return batch, True

    def end(self) -> None:
        """Let one of the threads finish what is queued and end; call it once no more jobs can come."""
        self._pass_on()
        self._queue.put(None)

    def _pass_on(self) -> None:
        jobs = []
        while self._turn:
            jobs.append(self._turn.popleft())
        if jobs:
            self._queue.put(jobs)


Execute = Callable[[Connection, Sequence[Job]], Sequence[Outcome]]
"""Runs a batch inside one transaction; an ApiError among the outcomes must have changed nothing."""


class Worker:
    """One thread with one connection, fed by an inbox that several workers may share.

    ``full_at`` is when, on the monotonic clock, there was last no room for a caller's change.
    """

    def __init__(self, name: str, engine: Engine, execute: Execute, inbox: Inbox) -> None:
        self._session = PersistentConnection(engine)
        self._execute = execute
        self._inbox = inbox
        self._loop = asyncio.get_running_loop()
        self.transactions = 0
        self.full_at = -math.inf
        self._thread = threading.Thread(target=self._run, name=f"voiceid-{name}", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def _run(self) -> None:
        self._session.connect()  # now, while there is room for the files it may need
        ended = False
        while not ended:
            batch, ended = self._inbox.take()
            if batch:
                outcomes = self._transact(batch)
                self._loop.call_soon_threadsafe(_deliver, batch, outcomes)
        self._session.close()

    def _transact(self, batch: Sequence[Job], races: int = 0) -> list[Outcome]:
        try:
            outcomes = self._session.run(lambda connection: list(self._execute(connection, batch)))
        except Exception as error:  # noqa: BLE001  whatever fails here, the service must keep answering
            return self._after(error, batch, races)
        self.transactions += 1
        return outcomes

    def _after(self, error: Exception, batch: Sequence[Job], races: int) -> list[Outcome]:
        failure = classify(error)
        if is_full(error) and any(job.mark for job in batch):
            self.full_at = time.monotonic()
        if failure is Failure.RACE and races < MAX_RACES:
            time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**races))  # noqa: S311  no secret depends on it
            return self._transact(batch, races + 1)
        if failure is Failure.LOST or len(batch) == 1:
            _log.error("%s failed: %s", batch[0].operation, describe(error))
            answer = concurrent_changes() if failure is Failure.RACE else internal()
            return [answer for _ in batch]
        # One bad request must not fail its neighbours: each gets a transaction of its own.
        return [outcome for job in batch for outcome in self._transact([job])]


def _deliver(batch: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    for job, outcome in zip(batch, outcomes, strict=True):
        if not job.answer.done():
            job.answer.set_result(outcome)


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
