"""Delivering what waits in the outbox, at least once and in order, however long a sink is away."""

import asyncio
import logging
import random
import threading
from collections.abc import Callable
from contextlib import suppress

from voiceid_optout.service.db.store import Store
from voiceid_optout.service.errors import ApiError
from voiceid_optout.service.events.sinks import Sink, SinkError

POLL_SECONDS = 0.25
LEASE_SECONDS = 60.0
MAX_WAIT_SECONDS = 300.0

_log = logging.getLogger("voiceid_optout.service")


class Delivery:
    """Carries events from the outbox to one sink. On a shared database one process at a time does it.

    ``holder`` names the process there; a process that is alone on its data goes on at once after a crash by taking
    the same name again.
    """

    def __init__(self, store: Store, sink: Sink, holder: str, *, poll: float = POLL_SECONDS) -> None:
        self._store = store
        self._sink = sink
        self._poll = poll
        self._holder = holder
        self._held_until = 0.0
        self._failures = 0

    async def run(self) -> None:
        """Deliver until cancelled; then another process may go on at once."""
        try:
            while True:
                pause = await self._step()
                await asyncio.sleep(pause)
        finally:
            with suppress(ApiError):
                await self._store.run("ReleaseSink", {"Sink": self._sink.name, "Holder": self._holder})

    async def _step(self) -> float:
        """Deliver one batch if one waits; return how many seconds to wait before the next step."""
        try:
            count = await self._deliver()
        except ApiError:
            return MAX_WAIT_SECONDS / 60  # the database is away; the store has logged it
        except SinkError as error:
            self._failures += 1
            if self._failures == 1:
                _log.error("Events wait, and are tried again: %s.", error, extra={"sink": self._sink.name})
            return max(backoff(self._failures), min(error.wait, MAX_WAIT_SECONDS))
        if count and self._failures:
            _log.info("Events are delivered again.", extra={"sink": self._sink.name})
            self._failures = 0
        return 0.0 if count == self._sink.batch else self._poll

    async def _deliver(self) -> int:
        wanted = {"Sink": self._sink.name, "Limit": self._sink.batch}
        events = (await self._store.run("WaitingEvents", wanted))["Events"]
        if not events:
            return 0
        now = asyncio.get_running_loop().time()
        if now > self._held_until - LEASE_SECONDS / 2:
            mine = {"Sink": self._sink.name, "Holder": self._holder, "Seconds": LEASE_SECONDS}
            if not (await self._store.run("LeaseSink", mine))["Held"]:
                return 0
            self._held_until = now + LEASE_SECONDS
            # Who held it before may have delivered some of them since.
            events = (await self._store.run("WaitingEvents", wanted))["Events"]
        if events:
            await _in_thread(self._sink.deliver, [body for _, body in events])
            await self._store.run("EventsDelivered", {"Sequences": [sequence for sequence, _ in events]})
        return len(events)


def backoff(failures: int) -> float:
    """Return seconds to wait after so many failures in a row: doubled each time, with jitter, 5 minutes at most."""
    longest = min(MAX_WAIT_SECONDS, 2.0 ** min(failures - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  not a secret


async def _in_thread(deliver: Callable[[list[str]], None], bodies: list[str]) -> None:
    """Run it in a thread that does not hold up the end of the process, as those of an executor would."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if not done.done():
            done.set_exception(error) if error else done.set_result(None)

    def work() -> None:
        fault: Exception | None = None
        try:
            deliver(bodies)
        except SinkError as error:
            fault = error
        except Exception as error:  # noqa: BLE001  whatever fails there, later events must not wait for a restart
            fault = SinkError(f"unforeseen: {type(error).__name__}")
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, fault)

    threading.Thread(target=work, name="voiceid-events", daemon=True).start()
    await done
