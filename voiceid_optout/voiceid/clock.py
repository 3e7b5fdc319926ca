"""Time as the pacing sees it, so that a test can own it."""

import time
from typing import Protocol


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
