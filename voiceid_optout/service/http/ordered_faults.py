"""Faults to order, for tests of clients: the next calls of an operation fail in the way asked for."""

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from itertools import repeat

from voiceid_optout.service.auth.quotas import ThrottledError
from voiceid_optout.service.errors import ApiError, concurrent_changes, denied, internal

_WAIT_SECONDS = 0.1  # what a throttled caller is told to wait


class Fault(StrEnum):
    """What can be ordered. LOST_REPLY does the work and then closes the connection; the others do nothing else."""

    THROTTLING = "THROTTLING"
    INTERNAL_SERVER = "INTERNAL_SERVER"
    ACCESS_DENIED = "ACCESS_DENIED"
    CONCURRENT_CHANGES = "CONCURRENT_CHANGES"
    LOST_REPLY = "LOST_REPLY"

    def error(self) -> ApiError | None:
        """Return the answer to give instead of the operation's, or None for a reply that is to be lost."""
        match self:
            case Fault.THROTTLING:
                return ThrottledError(_WAIT_SECONDS)
            case Fault.INTERNAL_SERVER:
                return internal()
            case Fault.ACCESS_DENIED:
                return denied("This call was told to fail by the admin port.")
            case Fault.CONCURRENT_CHANGES:
                return concurrent_changes()
            case Fault.LOST_REPLY:
                return None


_WAIT_SECONDS = 0.1  # what a throttled caller is told to wait


class Faults:
    """What was ordered and has not struck yet; used from the event loop only."""

    def __init__(self) -> None:
        self._ordered: dict[str, deque[Fault]] = {}

    def order(self, operation: str, faults: Iterable[Fault]) -> None:
        """Let the next calls of the operation fail, one fault each; replaces what was ordered before."""
        self._ordered[operation] = deque(faults)

    def take(self, operation: str) -> Fault | None:
        """Return the fault that is to strike this call, if any."""
        waiting = self._ordered.get(operation)
        return waiting.popleft() if waiting else None


def times(fault: str, count: int) -> Iterable[Fault]:
    """Return the fault of this name so many times."""
    return repeat(Fault(fault), count)
