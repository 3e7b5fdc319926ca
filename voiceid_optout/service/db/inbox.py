"""Requests on their way from the event loop to the threads of the database."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from voiceid_optout.service.errors import ApiError

MAX_BATCH = 512

Outcome = Mapping[str, Any] | ApiError


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
