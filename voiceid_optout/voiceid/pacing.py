"""Pacing: every call waits for a token of its operation, whichever thread makes it."""

import threading
from collections.abc import Callable

from voiceid_optout.voiceid.bucket import Bucket
from voiceid_optout.voiceid.clock import Clock
from voiceid_optout.voiceid.settings import Quotas

OnWait = Callable[[str, float], None]
SLICE = 0.2  # seconds after which a waiting call looks whether it is still needed
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
        self._said: dict[str, float] = {}
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
            if now - self._said.get(operation, float("-inf")) < QUIET:
                return
            self._said[operation] = now
        self._on_wait(operation, ahead)
