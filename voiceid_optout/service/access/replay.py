"""A memory of signatures, so that a request that changes something works once and not again later.

A signature holds for the whole replay window; without a memory, whoever has seen one opt-out pass could send it
again and undo a release. The same signature twice within a few seconds is no attack: clients date requests to the
second, so two equal requests within one second are the same to the byte.
"""

from array import array
from bisect import bisect_left

GRACE_SECONDS = 5.0
MAX_REMEMBERED = 16_000_000
"""Signatures in memory, 8 bytes each: half an hour of 8,000 a second, which takes 128 MB."""


class ReplayMemory:
    """Remembers signatures by the second they are dated. Memory: 8 bytes each, plus the last few seconds'.

    Used from the event loop only. It knows what this process has seen since it started, nothing more.
    """

    def __init__(self, window: float, limit: int = MAX_REMEMBERED) -> None:
        self._window = window
        self._limit = limit
        self._seconds: dict[int, _Second] = {}
        self._floor = 0
        self._next_sweep = 0.0
        self._sealed = 0

    def first_use(self, dated: int, signature: str, now: float) -> bool:
        """Remember a signature (hexadecimal) dated ``dated``; False if it was used more than the grace time ago.

        Both times are epoch seconds. Under more load than the memory holds, the oldest dates are forgotten and
        nothing so old is taken any more: False.
        """
        if now >= self._next_sweep:
            self._sweep(now)
        if dated <= self._floor:
            return False
        second = self._seconds.get(dated)
        if second is None:
            second = self._seconds[dated] = _Second()
        return second.first_use(int(signature[:16], 16), now)

    def __len__(self) -> int:
        """Return how many signatures are remembered."""
        return self._sealed + sum(len(second.fresh) for second in self._seconds.values())

    def _sweep(self, now: float) -> None:
        """Forget what no request can be dated any more, and pack what has cooled; once a second."""
        self._next_sweep = now + 1.0
        self._sealed = 0
        for dated in sorted(self._seconds):
            second = self._seconds[dated]
            if dated < now - self._window:
                del self._seconds[dated]
            else:
                second.seal(now)
                self._sealed += len(second.sealed)
        while self._sealed > self._limit:
            oldest = min(self._seconds)
            self._sealed -= len(self._seconds.pop(oldest).sealed)
            self._floor = oldest


class _Second:
    """The signatures of one second: ``fresh`` with the time of their first use, ``sealed`` sorted."""

    __slots__ = ("fresh", "last", "sealed")

    def __init__(self) -> None:
        self.fresh: dict[int, float] = {}
        self.sealed = array("Q")
        self.last = 0.0

    def first_use(self, mark: int, now: float) -> bool:
        seen = self.fresh.get(mark)
        if seen is not None:
            return now - seen <= GRACE_SECONDS
        if self.sealed:
            place = bisect_left(self.sealed, mark)
            if place < len(self.sealed) and self.sealed[place] == mark:
                return False
        self.fresh[mark] = self.last = now
        return True

    def seal(self, now: float) -> None:
        if self.fresh and now - self.last > GRACE_SECONDS:
            self.sealed = array("Q", sorted([*self.sealed, *self.fresh]))
            self.fresh = {}
