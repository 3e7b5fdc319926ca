"""Runs batch jobs in the background, on the event loop of the service; files are read and written in threads."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from voiceid_optout.service import ids
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.errors import ApiError, concurrent_changes, internal
from voiceid_optout.service.jobs import manifests
from voiceid_optout.service.jobs.manifests import Entry, ManifestError, Outcome
from voiceid_optout.service.jobs.objects import ObjectError, ObjectStore, output_uri
from voiceid_optout.service.operations.job_steps import CONFLICT_CODE, CONFLICT_TEXT, FRAUDSTER_LIMIT, Decision
from voiceid_optout.service.operations.jobs import JobKind, JobStatus
from voiceid_optout.service.settings import Limits

LEASE_SECONDS = 6.0
"""How long a job lies when the process that ran it was killed; a living one renews it in time."""

POLL_SECONDS = 0.25
AT_ONCE = 4
CHUNK = 100
"""Requests decided in one transaction: few enough that callers who wait behind it do not notice."""

STOP_SECONDS = 5  # for the steps of jobs that are under way when the service is told to stop
_LONGEST_PAUSE = 10.0
_ERRORS = {
    Decision.OPTED_OUT: Outcome(CONFLICT_CODE, CONFLICT_TEXT),
    Decision.SPEAKER_LIMIT: Outcome(402, "Speaker limit exceeded"),
    FRAUDSTER_LIMIT: Outcome(402, "Fraudster limit exceeded"),
}

_FAILURES = {"ResourceNotFoundException": 404, "ConflictException": 409}

# What another try may get over: a database that is away, or races lost to other services.
_PASSING = (internal().body(), concurrent_changes().body())

_log = logging.getLogger("voiceid_optout.service")


class _LeaseLostError(Exception):
    """Another process has the job now; this one must not touch it again."""


class _StoppingError(Exception):
    """The service ends; the job goes on in the next one."""


@dataclass(frozen=True, slots=True)
class _Job:
    place: dict[str, str]
    """What every step names: the job, its domain, and the owner of the lease."""
    kind: JobKind
    request: dict[str, Any] = field(repr=False)
    done: int

    @property
    def input_uri(self) -> str:
        return str(self.request["InputDataConfig"]["S3Uri"])

    def limit(self, limits: Limits) -> int:
        return limits.speakers_per_job if self.kind is JobKind.ENROLLMENT else limits.fraudsters_per_job


class JobRunner:
    """Takes up jobs that nobody runs, its own service's or those of one that died, and sees them through."""

    def __init__(
        self, store: Store, objects: ObjectStore, limits: Limits, *, lease_seconds: float = LEASE_SECONDS
    ) -> None:
        self._store = store
        self._objects = objects
        self._limits = limits
        self._lease = lease_seconds
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Look for jobs until told to stop, then wait for the steps under way."""
        while not self._stopping.is_set():
            with suppress(ApiError):  # the database is not well; the worker has logged it and the next look may do
                while len(self._running) < AT_ONCE and (job := await self._claim()) is not None:
                    task = asyncio.create_task(self._see_through(job))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
            await self._pause(POLL_SECONDS)
        await asyncio.gather(*self._running)

    def stop(self) -> None:
        """Let ``run`` end after the steps under way; jobs not done are given back."""
        self._stopping.set()

    async def _claim(self) -> _Job | None:
        for waiting in (await self._store.run("WaitingJobs", {}))["Waiting"]:
            # A new name for every claim: who claims again after a lease ran out is not who held it before.
            place = {**waiting, "Owner": ids.resource_id()}
            found = (await self._store.run("ClaimJob", {**place, "Seconds": self._lease}))["Job"]
            if found is not None:
                return _Job(place, JobKind(found["Kind"]), found["Request"], found["Done"])
        return None

    async def _see_through(self, job: _Job) -> None:
        renewing = asyncio.create_task(self._renew(job))
        try:
            await self._work(job)
        except (_LeaseLostError, _StoppingError):
            with suppress(ApiError):  # the lease runs out by itself
                await self._store.run("ReleaseJob", job.place)
        finally:
            renewing.cancel()

    async def _work(self, job: _Job) -> None:
        try:
            errors = await self._decide(job)
        except (ManifestError, ObjectError) as error:
            await self._finish(job, JobStatus.FAILED, Message=error.text, Code=error.code)
        except ApiError as error:  # the domain or the watchlist is not what it was when the job began
            await self._finish(job, JobStatus.FAILED, Message=error.text, Code=_FAILURES.get(error.code, 500))
        except (_LeaseLostError, _StoppingError):
            raise
        except Exception as error:  # noqa: BLE001  whatever fails here, the job must end and say so
            _log.error("A job failed: %s", type(error).__name__)
            await self._finish(job, JobStatus.FAILED, Message="The service could not complete the job.", Code=500)
        else:
            await self._finish(job, JobStatus.COMPLETED_WITH_ERRORS if errors else JobStatus.COMPLETED)

    async def _decide(self, job: _Job) -> int:
        """Decide every request, write the output file and return how many errors it holds."""
        content = await asyncio.to_thread(self._objects.read, job.input_uri)
        entries = await asyncio.to_thread(manifests.parse, content, job.kind, job.limit(self._limits))
        digest = hashlib.sha256(content).hexdigest()
        if not (await self._step(job, "BeginJob", Digest=digest, Total=len(entries)))["Same"]:
            raise ManifestError(409, "The input file was changed after a part of the job had been done.")
        for start in range(job.done, len(entries), CHUNK):
            if self._stopping.is_set():
                raise _StoppingError
            await self._apply(job, entries, start)
        return await self._write(job, entries)

    async def _apply(self, job: _Job, entries: Sequence[Entry], start: int) -> None:
        end = min(start + CHUNK, len(entries))
        places = [place for place in range(start, end) if entries[place].fault is None]
        names = [entries[place].speaker_id for place in places]
        await self._step(job, "ApplyRequests", Places=places, Names=names, Done=end, Seconds=self._lease)

    async def _write(self, job: _Job, entries: Sequence[Entry]) -> int:
        decided = (await self._retried("ReadOutcomes", job.place))["Outcomes"]
        content, errors = manifests.output(job.kind, entries, lambda place: _outcome(*decided[place]))
        config = job.request["OutputDataConfig"]
        target = output_uri(config["S3Uri"], job.place["JobId"], job.input_uri)
        await asyncio.to_thread(self._objects.write, target, content, config.get("KmsKeyId"))
        return errors

    async def _finish(self, job: _Job, status: JobStatus, **failure: object) -> None:
        await self._step(job, "FinishJob", Status=status, **failure)

    async def _step(self, job: _Job, operation: str, **arguments: object) -> dict[str, Any]:
        result = await self._retried(operation, {**job.place, **arguments})
        if not result["Held"]:
            raise _LeaseLostError
        return result

    async def _retried(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Run an operation; while the database fails, try again with growing pauses until the service ends."""
        pause = POLL_SECONDS
        while True:
            try:
                return await self._store.run(operation, request)
            except ApiError as error:
                if error.body() not in _PASSING:
                    raise
            if self._stopping.is_set():
                raise _StoppingError
            await self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _renew(self, job: _Job) -> None:
        request = {**job.place, "Seconds": self._lease}
        while True:
            await asyncio.sleep(self._lease / 3)
            with suppress(ApiError):
                await self._store.run("RenewLease", request)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _outcome(decision: str, generated_id: str | None) -> Outcome:
    return _ERRORS.get(decision) or Outcome(status=decision, generated_id=generated_id)


async def run_jobs(store: Store, objects: ObjectStore, limits: Limits) -> None:
    """Run batch jobs until cancelled; those not done are given back."""
    runner = JobRunner(store, objects, limits)
    running = asyncio.create_task(runner.run())
    try:
        await asyncio.shield(running)
    finally:
        runner.stop()
        await asyncio.wait([running], timeout=STOP_SECONDS)
        running.cancel()  # what still reads or writes an object is not waited for; its lease runs out
