"""A token bucket that never exceeds its quota within any second, and finds the rate that a service really allows.

The quota may be shared with others or set too high. A throttle is then the only sign, and each one is a call for
nothing. So the rate is cut when one comes and goes up again as CUBIC, TCP's congestion control (RFC 9438), does:
quickly back to near the rate that was too much, slowly around it, and quickly again beyond. It is counted in calls
and not in seconds, which bounds the share of calls that are throttled at any rate.
"""

from collections import deque

WINDOW = 1.005  # a second and the jitter of two clocks
CUT = 0.3  # share of the rate that a throttle costs
DEEP_CUT = 0.5  # the same, when the next one comes soon after: the rate is still far off
RECOVERY = 30  # seconds' worth of calls at the quota until the rate is back where it was too much
FEWEST = 300  # calls until then, for a small quota
LOWEST = 1 / 16  # share of the quota below which throttles do not push
REST = 0.5  # seconds without a call after a throttle: the service's own bucket is empty
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
        self._closed_until = max(self._closed_until, now + max(retry_after, REST))
        if now - self._lowered_at > 1:
            is_soon = self._too_much is not None and self._calls < self._recovery / 4
            self._too_much, self._calls, self._cut = self.rate, 0, DEEP_CUT if is_soon else CUT
            self._lowered_at = now
            self._due = max(self._due, now + 1 / self.rate)
