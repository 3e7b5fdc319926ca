"""Which errors we retry ourselves, how often and after how long."""

import random
from dataclasses import dataclass, field

from voiceid_optout.voiceid.errors import ConcurrentChanges, Throttled, VoiceIdError

CONFLICT_TRIES = 8
THROTTLE_TRIES = 12
FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 2.0
# One for all calls: to seed one asks the system for chance, and lets every other thread go first.
_JITTER = random.Random()  # noqa: S311 - no secret depends on it


@dataclass(slots=True)
class Retries:
    """The retries of one call.

    No SDK repeats a call after CONCURRENT_CHANGES. Throttles are left out of the SDK's retries too, because
    those know nothing of our pacing and drain a budget that a long run needs for real faults.
    """

    jitter: random.Random = field(default=_JITTER, repr=False)
    conflicts: int = 0
    throttles: int = 0

    def delay(self, error: VoiceIdError) -> float | None:
        """Return the seconds to wait before the next try, or None to give up.

        After a throttle it is 0.0: the bucket, told of it, holds the call back.
        """
        if isinstance(error, Throttled):
            self.throttles += 1
            return 0.0 if self.throttles < THROTTLE_TRIES else None
        if isinstance(error, ConcurrentChanges):
            self.conflicts += 1
            if self.conflicts < CONFLICT_TRIES:
                ceiling = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**self.conflicts)
                return self.jitter.uniform(FIRST_BACKOFF / 2, ceiling)
        return None
