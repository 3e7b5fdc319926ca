"""Callers, a bucket of ours and a service that throttles, in a time of their own."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from voiceid_optout.voiceid.pacing import Bucket


@dataclass(frozen=True, slots=True)
class Run:
    """``sent`` calls, of which ``throttled`` were refused and ``calls`` answered, in so many seconds."""

    calls: int
    sent: int
    throttled: int
    seconds: float


def busy(
    bucket: Bucket, allowed: Callable[[float], float], *, latency: float, calls: int, callers: int = 64
) -> Run:
    """Let callers that never rest make ``calls`` calls that are answered; refused ones are made again.

    The service has a token bucket that holds a second's worth; ``allowed`` says how many calls a second it grants
    at a moment. A call takes ``latency`` seconds, half of them on its way there.
    """
    order = itertools.count()
    sent = throttled = answered = 0
    tokens, filled_at, now = max(1.0, allowed(0)), 0.0, 0.0
    agenda: list[tuple[float, int, str]] = [(0.0, next(order), "ask") for _ in range(callers)]

    def then(delay: float, what: str) -> None:
        heapq.heappush(agenda, (now + delay, next(order), what))

    while answered < calls:
        now, _, what = heapq.heappop(agenda)
        if what == "ask":
            wait = bucket.take(now)
            then(wait or latency / 2, "ask" if wait else "arrive")
        elif what == "arrive":
            sent += 1
            tokens = min(max(1.0, allowed(now)), tokens + (now - filled_at) * allowed(now))
            filled_at = now
            then(latency / 2, "answer" if tokens >= 1 else "refuse")
            tokens -= tokens >= 1
        elif what == "answer":
            answered += 1
            then(0, "ask")
        else:
            throttled += 1
            bucket.throttled(now, 0)
            then(0, "ask")
    return Run(answered, sent, throttled, now)
