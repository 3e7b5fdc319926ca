"""The service with AWS's quotas, or far away: ``python -m benchmarks.gate QUOTAS MILLISECONDS serve ...``.

What follows are the arguments of ``optout``. QUOTAS is ``aws`` or ``none``; MILLISECONDS are added to every call.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.cells import Quotas
from benchmarks.quota import CALLS_A_SECOND
from optout.cli.main import main
from optout.service import server
from optout.service.app import VoiceIdApi
from optout.service.ids import request_id

if TYPE_CHECKING:
    from optout.service.app import Receive, Scope, Send

THROTTLED = "ThrottlingException"
_BODY = b'{"__type":"com.amazonaws.voiceid#ThrottlingException","Message":"Rate exceeded"}'


class TokenBucket:
    """Grants ``rate`` calls a second, and as many at once after a quiet second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = rate
        self._at = float("-inf")

    def take(self, now: float) -> bool:
        """Take a token if there is one; ``now`` in seconds of any clock."""
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def gated(quotas: Quotas, latency: float) -> type[VoiceIdApi]:
    """Return the application with quotas, and ``latency`` seconds before every answer."""

    class Gated(VoiceIdApi):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            rates = CALLS_A_SECOND if quotas is Quotas.AWS else {}
            self._buckets = {name: TokenBucket(rate) for name, rate in rates.items()}

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            target = dict(scope["headers"]).get(b"x-amz-target", b"").decode()
            operation = self._operations.get(target, "")
            bucket = self._buckets.get(operation)
            granted = bucket is None or bucket.take(time.monotonic())
            await asyncio.sleep(latency)
            if granted:
                await super().__call__(scope, receive, send)
                return
            self._metrics.count(operation, THROTTLED)
            await _refuse(receive, send)

    return Gated


async def _refuse(receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [
        (b"x-amzn-requestid", request_id().encode()),
        (b"content-type", b"application/x-amz-json-1.0"),
        (b"content-length", str(len(_BODY)).encode()),
    ]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


if __name__ == "__main__":
    setattr(server, "VoiceIdApi", gated(Quotas(sys.argv[1]), int(sys.argv[2]) / 1000))  # noqa: B010 - mypy: a type
    main(sys.argv[3:])
