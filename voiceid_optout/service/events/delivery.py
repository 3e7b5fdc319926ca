"""Delivery of what waits in the outbox, to a file or a web address: at least once and in order.

A file gets one event a line. A web address gets batches, signed with a shared secret.
"""

import asyncio
import hashlib
import hmac
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from voiceid_optout.service.db.store import Store
from voiceid_optout.service.errors import ApiError, ServiceError
from voiceid_optout.service.settings import EVENTS_FILE, EVENTS_WEBHOOK, SecretError, WebhookSettings

POLL_SECONDS = 0.25
LEASE_SECONDS = 60.0
MAX_WAIT_SECONDS = 300.0
SIGNATURE_HEADER = "Voiceid-Signature"
_CONNECT_SECONDS, _READ_SECONDS = 5, 10
_SUCCESS = range(200, 300)

_log = logging.getLogger("voiceid_optout.service")


class SinkError(ServiceError):
    """A sink did not take the events; ``wait`` is how many seconds it asked for, 0 if it did not."""

    def __init__(self, text: str, wait: float = 0.0) -> None:
        super().__init__(text)
        self.wait = wait


class Sink(Protocol):
    """Takes events, each a line of JSON; ``batch`` is how many at once."""

    name: str
    batch: int

    def deliver(self, bodies: list[str]) -> None:
        """Return once all of them are safe there; raises SinkError. Runs in a thread and may block."""


class JsonLinesSink:
    """Opens the file anew for every batch, so that it may be rotated by renaming it."""

    name = EVENTS_FILE
    batch = 1000

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, bodies: list[str]) -> None:
        """Append the events; raises SinkError."""
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "r+b", buffering=0) as file:
                file.write(_unfinished(handle) + "".join(f"{body}\n" for body in bodies).encode())
                os.fsync(handle)
        except OSError as error:
            raise SinkError(f"{self._path}: {error.strerror}") from error


def _unfinished(handle: int) -> bytes:
    """Return what ends a line that was cut by a crash: its event comes again as a line of its own."""
    size = os.fstat(handle).st_size
    return b"\n" if size and os.pread(handle, 1, size - 1) != b"\n" else b""


class WebhookSink:
    """POSTs a JSON array of events; any 2xx answer means that they have arrived."""

    name = EVENTS_WEBHOOK
    batch = 100

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        import urllib3  # noqa: PLC0415 - few services have a webhook

        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS)
        self._http = urllib3.PoolManager(num_pools=1, timeout=timeout, retries=False)
        self._failure = urllib3.exceptions.HTTPError

    def deliver(self, bodies: list[str]) -> None:
        """Send the events in one request; raises SinkError, whose text never holds the address."""
        try:
            # Looked up for every batch, so that a new secret counts without a restart.
            secret = self._settings.secret.resolve()
        except SecretError as error:
            raise SinkError(f"the webhook's secret cannot be had: {error}") from error
        body = f"[{','.join(bodies)}]".encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(secret, body, int(time.time())),
        }
        try:
            answer = self._http.request("POST", self._settings.url, body=body, headers=headers, redirect=False)
        except self._failure as error:
            # Its text quotes the address, which may carry a token.
            raise SinkError(f"the webhook cannot be reached ({type(error).__name__})") from None
        if answer.status not in _SUCCESS:
            raise SinkError(f"the webhook answered {answer.status}", _seconds(answer.headers.get("Retry-After")))


def signature(secret: str, body: bytes, now: int) -> str:
    """Return the header's value: HMAC-SHA256 over the time in epoch seconds, a full stop and the body."""
    digest = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0


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
            fault = SinkError(f"unexpected: {type(error).__name__}")
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, fault)

    threading.Thread(target=work, name="voiceid-events", daemon=True).start()
    await done
