"""What the service does without being asked: it sees batch jobs through, erases and expires."""

import asyncio
from contextlib import suppress

from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Limits
from voiceid_optout.service.errors import ApiError
from voiceid_optout.service.jobs.objects import ObjectStore
from voiceid_optout.service.jobs.runner import JobRunner

HOUSEKEEPING_SECONDS = 3600
STOP_SECONDS = 5  # for the steps of jobs that are under way when the service is told to stop


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


async def keep_house(store: Store) -> None:
    """Erase what was deleted and expire who was not seen, every hour until cancelled."""
    while True:
        with suppress(ApiError):  # the disk may be full; the worker has logged it and the next hour tries again
            await store.run("EraseDeleted", {})
            while (await store.run("ExpireSpeakers", {}))["Expired"]:
                pass
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
