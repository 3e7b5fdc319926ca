"""A token bucket that never exceeds its quota within any second, and slows down when throttled."""

from collections import deque

WINDOW = 1.02  # a second and the jitter of two clocks
RECOVERY = 10.0  # seconds without a throttle until a lowered rate doubles again
LOWEST = 1 / 16  # share of the quota below which throttles do not push
TOLERANCE = 1e-6


class Bucket:
    """Grants calls for one operation; not thread-safe on its own, and without a clock of its own.

    Up to a fifth of the quota may go in one burst; the window then keeps any second within the quota.
    """

    def __init__(self, quota: float) -> None:
        self._quota = quota
        self._slack = max(0.0, quota / 5 - 1)  # calls that a burst may run ahead of the even pace
        self._due = float("-inf")  # when the next call falls due at an even pace
        self._grants: deque[float] = deque(maxlen=max(1, int(quota)))
        self._closed_until = float("-inf")
        self._lowered_to = 1.0
        self._lowered_at = float("-inf")

    def share(self, now: float) -> float:
        """Return the share of the quota in use, over 0 to 1; after a throttle it doubles every RECOVERY s."""
        if self._lowered_to >= 1:
            return 1.0
        doublings = min((now - self._lowered_at) // RECOVERY, 10)
        return float(min(1.0, self._lowered_to * 2**doublings))

    def take(self, now: float) -> float:
        """Take a token and return 0.0, or return after how many seconds to ask again."""
        rate = self._quota * self.share(now)
        slack = self._slack if self.share(now) == 1 else 0.0
        earliest = max(self._due - slack / rate, self._closed_until)
        if len(self._grants) == self._grants.maxlen:
            earliest = max(earliest, self._grants[0] + WINDOW)
        if earliest - now > TOLERANCE:
            return earliest - now
        self._due = max(self._due, now) + 1 / rate
        self._grants.append(now)
        return 0.0

    def throttled(self, now: float, retry_after: float) -> None:
        """Halve the rate, and close for as long as the service asked (seconds, 0 if it did not say).

        Calls in flight together are throttled together: within a second they count as one.
        """
        self._closed_until = max(self._closed_until, now + retry_after)
        if now - self._lowered_at > 1:
            self._lowered_to = max(LOWEST, self.share(now) / 2)
            self._lowered_at = now
            self._due = max(self._due, now + 1 / (self._quota * self._lowered_to))
