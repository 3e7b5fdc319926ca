"""A load of signed OptOutSpeaker requests, made beforehand and sent over connections that stay open."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voiceid_optout.service.auth.sigv4 import derive_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SIGNED = "content-type;host;x-amz-date;x-amz-target"
_TYPE = "application/x-amz-json-1.0"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send to, and the key to sign with."""

    host: str
    port: int
    region: str
    access_key: str
    secret: str = field(repr=False)

    def requests(self, domain: str, names: Sequence[str]) -> list[bytes]:
        """Return one signed opt-out a name, as bytes to send; good for a quarter of an hour."""
        return self.signed("OptOutSpeaker", [{"DomainId": domain, "SpeakerId": name} for name in names])

    def signed(self, operation: str, documents: Sequence[Mapping[str, object]]) -> list[bytes]:
        """Return one signed request a document, as bytes to send; good for a quarter of an hour."""
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        key = derive_key(self.secret, stamp[:8], self.region)
        target = f"VoiceID.{operation}"
        return [self._request(target, json.dumps(document).encode(), stamp, key) for document in documents]

    def _request(self, target: str, body: bytes, stamp: str, key: bytes) -> bytes:
        host = f"{self.host}:{self.port}"
        scope = f"{stamp[:8]}/{self.region}/voiceid/aws4_request"
        canonical = (
            f"POST\n/\n\ncontent-type:{_TYPE}\nhost:{host}\nx-amz-date:{stamp}\nx-amz-target:{target}\n\n{_SIGNED}\n"
            + hashlib.sha256(body).hexdigest()
        )
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        head = (
            f"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {_TYPE}\r\nX-Amz-Date: {stamp}\r\n"
            f"X-Amz-Target: {target}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
            f"SignedHeaders={_SIGNED}, Signature={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(slots=True)
class Result:
    """``latencies`` in seconds, one an answer; ``seconds`` from the first request to the last answer."""

    latencies: list[float] = field(default_factory=list)
    failures: list[bytes] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, part: float) -> float:
        """Return the latency in milliseconds that this part of the answers stayed below."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)] * 1000


class _Connection(asyncio.Protocol):
    """Sends the next request when the last is answered; not before its time, if it has one."""

    def __init__(self, requests: Iterator[tuple[float, bytes]], result: Result, done: asyncio.Future[None]) -> None:
        self._requests, self._result, self._done = requests, result, done
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # what TCP gives
        self._next()

    def data_received(self, data: bytes) -> None:
        """Note the answer once it is complete."""
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self._buffer.find(b"ontent-")
        while self._buffer[start + 7 : start + 13].lower() != b"length":
            start = self._buffer.find(b"ontent-", start + 7)
        size = int(self._buffer[start + 14 : self._buffer.find(b"\r", start)])
        if len(self._buffer) < head + 4 + size:
            return
        self._result.latencies.append(time.perf_counter() - self._sent)
        if self._buffer[9:12] != b"200":
            self._result.failures.append(self._buffer)
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the run, unless it was over."""
        if not self._done.done():
            self._done.set_exception(exc or ConnectionError("the service closed the connection"))

    def _next(self) -> None:
        found = next(self._requests, None)
        if found is None:
            self._done.set_result(None)
            self._transport.close()
            return
        due, request = found
        now = time.perf_counter()
        if due > now:
            self._loop.call_later(due - now, self._send, due, request)
        else:
            self._send(due or now, request)

    def _send(self, since: float, request: bytes) -> None:
        self._sent = since
        self._transport.write(request)


async def run(target: Target, requests: Sequence[bytes], connections: int, rate: float | None = None) -> Result:
    """Send the requests, each as soon as a connection is free, or at ``rate`` a second.

    With a rate, a latency counts from the time a request was due, so that a stall shows in all it delayed.
    """
    loop, result = asyncio.get_running_loop(), Result()
    begin = time.perf_counter()
    due = ((begin + number / rate if rate else 0.0, request) for number, request in enumerate(requests))
    ends = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(
            lambda done=done: _Connection(due, result, done),  # type: ignore[misc]  # mypy sees no default
            target.host,
            target.port,
        )
        ends.append(done)
    await asyncio.gather(*ends)
    result.seconds = time.perf_counter() - begin
    return result
