"""Pacing: every call waits for a token of its operation, whichever thread makes it, and is repeated if that helps.

A token bucket never exceeds its quota within any second, and finds the rate that a service really allows.
The quota may be shared with others or set too high. A throttle is then the only sign, and each one is a call for
nothing. So the rate is cut when one comes and goes up again as CUBIC, TCP's congestion control (RFC 9438), does:
quickly back to near the rate that was too much, slowly around it, and quickly again beyond. It is counted in calls
and not in seconds, which bounds the share of calls that are throttled at any rate.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from voiceid_optout.voiceid import (
    ConcurrentChanges,
    EndpointUnreachable,
    ServiceFault,
    SignatureRejected,
    Throttled,
    UnexpectedAnswer,
    VoiceIdError,
)

if TYPE_CHECKING:
    from voiceid_optout.voiceid.settings import Quotas


class Clock(Protocol):
    """A monotonic clock that one can sleep by; seconds."""

    def now(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


WINDOW = 1.005  # a second and the jitter of two clocks
CUT = 0.3  # share of the rate that a throttle costs
DEEP_CUT = 0.5  # the same, when the next one comes soon after: the rate is still far off
RECOVERY = 30  # seconds' worth of calls at the quota until the rate is back where it was too much
FEWEST = 300  # calls until then, for a small quota
LOWEST = 1 / 16  # share of the quota below which throttles do not push
PAUSE = 0.5  # seconds without a call after a throttle: the service's own bucket is empty
TOLERANCE = 1e-6


class Bucket:
    """Grants calls for one operation; not thread-safe on its own, and without a clock of its own.

    A share of the quota may go in one ``burst``; the window then keeps any second within the quota.
    """

    def __init__(self, quota: float, burst: float = 0.5) -> None:
        self._quota = quota
        self._slack = max(0.0, quota * burst - 1)  # calls that a burst may run ahead of the even pace
        self._recovery = max(FEWEST, RECOVERY * quota)
        self._due = float("-inf")  # when the next call falls due at an even pace
        self._grants: deque[float] = deque(maxlen=max(1, int(quota)))
        self._closed_until = float("-inf")
        self._too_much: float | None = None  # the rate of the last throttle, until the quota is reached again
        self._calls = 0  # granted since then
        self._cut = CUT
        self._lowered_at = float("-inf")

    @property
    def rate(self) -> float:
        """Calls a second that are granted now: the quota, or less after throttles."""
        if self._too_much is None:
            return self._quota
        left = 1 - self._calls / self._recovery
        return max(self._quota * LOWEST, min(self._quota, self._too_much * (1 - self._cut * left**3)))

    def take(self, now: float) -> float:
        """Take a token and return 0.0, or return after how many seconds to ask again."""
        rate = self.rate
        slack = self._slack if self._too_much is None else 0.0
        earliest = max(self._due - slack / rate, self._closed_until)
        if len(self._grants) == self._grants.maxlen:
            earliest = max(earliest, self._grants[0] + WINDOW)
        if earliest - now > TOLERANCE:
            return earliest - now
        self._due = max(self._due, now) + 1 / rate
        self._grants.append(now)
        self._calls += 1
        if rate >= self._quota:
            self._too_much = None
        return 0.0

    def throttled(self, now: float, retry_after: float) -> None:
        """Cut the rate, and close for as long as the service asked (seconds, 0 if it did not say).

        Calls in flight together are throttled together: within a second they count as one.
        """
        self._closed_until = max(self._closed_until, now + max(retry_after, PAUSE))
        if now - self._lowered_at > 1:
            is_soon = self._too_much is not None and self._calls < self._recovery / 4
            self._too_much, self._calls, self._cut = self.rate, 0, DEEP_CUT if is_soon else CUT
            self._lowered_at = now
            self._due = max(self._due, now + 1 / self.rate)


OnWait = Callable[[str, float], None]
SLICE = 0.2  # seconds after which a waiting call checks whether it is still needed
QUIET = 60.0  # seconds between two messages about the same operation
DOMAIN_CALLS = 2.0  # calls a second that the service allows for domains


class Pacer:
    """Buckets of all operations of one account; thread-safe."""

    def __init__(self, quotas: Quotas, clock: Clock, on_wait: OnWait, long_wait: float) -> None:
        self._buckets = {
            "OptOutSpeaker": Bucket(quotas.opt_out),
            "DescribeSpeaker": Bucket(quotas.describe),
            "DeleteSpeaker": Bucket(quotas.delete),
            # Pages follow one another: no burst of them arrives closer together than it was sent.
            "ListSpeakers": Bucket(quotas.list, burst=1.0),
            "DescribeDomain": Bucket(DOMAIN_CALLS),
        }
        self._clock = clock
        self._on_wait = on_wait
        self._long_wait = long_wait
        self._announced: dict[str, float] = {}
        self._lock = threading.Lock()

    def acquire(self, operation: str, unless: Callable[[], bool] | None = None) -> bool:
        """Wait for a token and return True; return False as soon as ``unless`` says the call is not needed.

        A wait of ``long_wait`` seconds or more is announced once, with the seconds it will still take.
        """
        started = self._clock.now()
        while unless is None or not unless():
            with self._lock:
                now = self._clock.now()
                delay = self._buckets[operation].take(now)
            if delay == 0:
                return True
            self._announce(operation, now, waited=now - started, ahead=delay)
            self._clock.sleep(delay if unless is None else min(delay, SLICE))
        return False

    def throttled(self, operation: str, retry_after: float) -> None:
        """Tell that the service refused a call for its rate."""
        with self._lock:
            self._buckets[operation].throttled(self._clock.now(), retry_after)

    def _announce(self, operation: str, now: float, *, waited: float, ahead: float) -> None:
        if waited + ahead < self._long_wait:
            return
        with self._lock:
            if now - self._announced.get(operation, float("-inf")) < QUIET:
                return
            self._announced[operation] = now
        self._on_wait(operation, ahead)


CONFLICT_TRIES = 8
SIGNATURE_TRIES = 3
TRANSPORT_ROUNDS = 2  # of the SDK's tries
THROTTLE_TRIES = 12
FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 2.0
# One for all calls: to seed one asks the system for chance, and lets every other thread go first.
_JITTER = random.Random()  # noqa: S311 - no secret depends on it


@dataclass(slots=True)
class Retries:
    """The retries of one call; ``answered`` says whether the endpoint has answered any call before.

    Where it has, a fault on the way passes, and the SDK's tries are made once more. Where it has not, more likely
    the settings are wrong, which is said soon.

    No SDK repeats a call after CONCURRENT_CHANGES. Throttles are left out of the SDK's retries too, because
    those know nothing of our pacing and drain a budget that a long run needs for real faults.
    """

    jitter: random.Random = field(default=_JITTER, repr=False)
    answered: bool = False
    faults: int = 0
    signatures: int = 0
    conflicts: int = 0
    throttles: int = 0

    def delay(self, error: VoiceIdError) -> float | None:
        """Return the seconds to wait before the next try, or None to give up.

        After a throttle it is 0.0: the bucket, which knows of it, holds the call back.
        """
        if isinstance(error, Throttled):
            self.throttles += 1
            return 0.0 if self.throttles < THROTTLE_TRIES else None
        if isinstance(error, ConcurrentChanges):
            self.conflicts += 1
            if self.conflicts < CONFLICT_TRIES:
                ceiling = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**self.conflicts)
                return self.jitter.uniform(FIRST_BACKOFF / 2, ceiling)
        if isinstance(error, SignatureRejected):
            self.signatures += 1
            if self.signatures < SIGNATURE_TRIES:
                return self.jitter.uniform(FIRST_BACKOFF / 2, FIRST_BACKOFF)
        if isinstance(error, EndpointUnreachable | ServiceFault | UnexpectedAnswer) and self.answered:
            self.faults += 1
            if self.faults < TRANSPORT_ROUNDS:
                return self.jitter.uniform(FIRST_BACKOFF / 2, 2 * FIRST_BACKOFF)
        return None


_WAIT_MESSAGE = "Voice ID: {operation} waits for its quota, another {seconds:.0f} s"
_WAIT_PATTERN = re.compile(r"Voice ID: (?P<reason>\w+ waits for its quota), another \d+ s")


def wait_message(operation: str, seconds: float) -> str:
    """Return the sentence for an operation that waits this long for its quota."""
    return _WAIT_MESSAGE.format(operation=operation, seconds=seconds)


def wait_reason(message: str) -> str | None:
    """Return why something waits, without the seconds; None for any other message."""
    found = _WAIT_PATTERN.fullmatch(message.strip())
    return found["reason"] if found else None
