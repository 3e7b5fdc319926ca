"""Threads between the event loop and the database: requests that wait together share one transaction.

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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from sqlalchemy import Connection, Engine

from voiceid_optout.service.db.connection import Failure, PersistentConnection, classify, describe, is_full
from voiceid_optout.service.errors import ApiError, concurrent_changes, internal

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
