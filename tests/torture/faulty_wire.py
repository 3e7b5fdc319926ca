"""A wire with faults: a proxy between a client and a real service, which spoils a share of the replies.

It reads whole requests, passes them on, and does one thing to each reply: mostly nothing. The seed says what
happens to the reply of each number; which call has which number is a matter of threads.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAUSE = 0.02  # seconds between the pieces of a slow reply
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_DATE = re.compile(rb"\r\nx-amz-date: *[0-9]{8}T([0-9]{2})", re.IGNORECASE)
_JSON = "application/x-amz-json-1.0"

# What is answered in place of the service, which never sees the request.
_REFUSALS: dict[str, tuple[int, dict[str, str] | bytes]] = {
    "throttle": (400, {"__type": "com.amazonaws.voiceid#ThrottlingException", "Message": "Rate exceeded"}),
    "conflict": (
        400,
        {
            "__type": "com.amazonaws.voiceid#ConflictException",
            "ConflictType": "CONCURRENT_CHANGES",
            "Message": "The speaker changed.",
        },
    ),
    "500": (500, {"__type": "com.amazonaws.voiceid#InternalServerException", "Message": "Sorry."}),
    "503": (503, b"<html>Service Unavailable</html>"),
}
# What befalls a reply on its way back: the service has done what was asked.
_SPOILT = ("500 after", "drop after", "reset after", "slow", "half", "stall", "too long", "too short")
KINDS = (*_REFUSALS, "drop before", *_SPOILT, "reply twice", "reply again later", "request twice", "skew")
QUICK = tuple(kind for kind in KINDS if kind != "stall")  # the client waits for its read timeout


@dataclass
class Wire:
    """A proxy that listens; ``share`` of the replies are spoilt, in one of ``kinds``.

    ``faults`` counts by kind, ``replies`` counts all.
    """

    share: float
    dice: random.Random
    kinds: Sequence[str] = QUICK
    url: str = ""
    replies: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def draw(self) -> str:
        """Return what happens to the next reply; an empty text is nothing."""
        self.replies += 1
        kind = self.dice.choice(self.kinds) if self.dice.random() < self.share else ""
        if kind:
            self.faults[kind] += 1
        return kind


class _Upstream:
    """Kept connections to the service."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._place = (place.hostname, place.port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: bytes) -> bytes:
        reader, writer = await self._connection()
        try:
            writer.write(request)
            reply = await _message(reader)
        except BaseException:
            writer.close()
            raise
        self._idle.append((reader, writer))
        return reply

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()  # it was idle for so long that the service has closed it
        return await asyncio.open_connection(*self._place)

    async def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in self._idle), return_exceptions=True)


async def _message(reader: asyncio.StreamReader) -> bytes:
    """Read a request or a reply whose length is said."""
    head = await reader.readuntil(b"\r\n\r\n")
    found = _LENGTH.search(head)
    return head + (await reader.readexactly(int(found[1])) if found else b"")


class _Connection:
    """One connection of a client."""

    def __init__(
        self, wire: Wire, upstream: _Upstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._wire, self._upstream, self._reader, self._writer = wire, upstream, reader, writer
        self._late = b""  # a reply that comes once more, before the next one

    async def serve(self) -> None:
        try:
            while await self._answer(await _message(self._reader)):
                await self._writer.drain()
        except (OSError, asyncio.IncompleteReadError):  # the client is gone
            pass
        finally:
            self._writer.close()

    async def _answer(self, request: bytes) -> bool:
        """Answer one request; False ends the connection."""
        late, self._late = self._late, b""
        self._writer.write(late)
        kind = self._wire.draw()
        if kind in _REFUSALS:
            self._writer.write(_reply(*_REFUSALS[kind]))
            return True
        if kind == "drop before":
            return False
        if kind == "request twice":
            await self._upstream.ask(request)
        if kind == "skew":
            request = _skewed(request)
        reply = await self._upstream.ask(request)
        if kind in _SPOILT:
            return await self._spoil(kind, reply)
        self._writer.write(reply * 2 if kind == "reply twice" else reply)
        if kind == "reply again later":
            self._late = reply
        return True

    async def _spoil(self, kind: str, reply: bytes) -> bool:
        writer, head = self._writer, reply.index(b"\r\n\r\n") + 4
        match kind:
            case "500 after":
                writer.write(_reply(*_REFUSALS["500"]))
                return True
            case "reset after":
                writer.transport.abort()
            case "slow":
                third = len(reply) // 3
                for piece in (reply[:third], reply[third : 2 * third], reply[2 * third :]):
                    writer.write(piece)
                    await asyncio.sleep(PAUSE)
                return True
            case "half":
                writer.write(reply[: self._wire.dice.randrange(1, len(reply))])
            case "stall":
                writer.write(reply[: len(reply) // 2])
                await self._reader.read()  # until the client has had enough
            case "too long" | "too short":
                more = 7 if kind == "too long" else -min(7, len(reply) - head)
                writer.write(_LENGTH.sub(b"\r\ncontent-length: %d" % (len(reply) - head + more), reply))
                return kind == "too short"
        return False


def _reply(status: int, body: dict[str, str] | bytes) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} Spoilt\r\ncontent-type: {_JSON}\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content


def _skewed(request: bytes) -> bytes:
    """Let a request be an hour or more old: what the service answers to it is the service's own."""
    return _DATE.sub(lambda found: found[0][:-2] + b"%02d" % ((int(found[1]) + 12) % 24), request)


@contextmanager
def faulty(service: str, share: float, seed: int, kinds: Sequence[str] = QUICK) -> Iterator[Wire]:
    """Put a wire before the service at this URL, for the time of the block."""
    wire = Wire(share, random.Random(seed), kinds)
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def run() -> None:
        upstream = _Upstream(service)
        serving: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            serving.add(task)
            task.add_done_callback(serving.discard)
            await _Connection(wire, upstream, reader, writer).serve()

        server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=1024)
        wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await end.wait()
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await upstream.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="faulty wire")
    thread.start()
    ready.wait()
    try:
        yield wire
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()
