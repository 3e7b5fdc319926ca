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
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine

from voiceid_optout.service.db import faults
from voiceid_optout.service.db.faults import Fault
from voiceid_optout.service.db.inbox import Inbox, Job, Outcome
from voiceid_optout.service.db.session import Session
from voiceid_optout.service.errors import concurrent_changes, internal

MAX_RACES = 5
_PAUSE_SECONDS = 0.01  # doubled after each race, and taken by chance, so that two do not meet again

_log = logging.getLogger("voiceid_optout.service")


Execute = Callable[[Connection, Sequence[Job]], Sequence[Outcome]]
"""Runs a batch inside one transaction; an ApiError among the outcomes must have changed nothing."""


class Worker:
    """One thread with one connection, fed by an inbox that several workers may share.

    ``full_at`` is when, on the monotonic clock, there was last no room for a caller's change.
    """

    def __init__(self, name: str, engine: Engine, execute: Execute, inbox: Inbox) -> None:
        self._session = Session(engine)
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
        fault = faults.classify(error)
        if faults.is_full(error) and any(job.mark for job in batch):
            self.full_at = time.monotonic()
        if fault is Fault.RACE and races < MAX_RACES:
            time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**races))  # noqa: S311  no secret depends on it
            return self._transact(batch, races + 1)
        if fault is Fault.LOST or len(batch) == 1:
            _log.error("%s failed: %s", batch[0].operation, faults.describe(error))
            answer = concurrent_changes() if fault is Fault.RACE else internal()
            return [answer for _ in batch]
        # One bad request must not fail its neighbours: each gets a transaction of its own.
        return [outcome for job in batch for outcome in self._transact([job])]


def _deliver(batch: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    for job, outcome in zip(batch, outcomes, strict=True):
        if not job.answer.done():
            job.answer.set_result(outcome)
