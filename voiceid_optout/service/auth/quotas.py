"""Quotas of calls per second: one bucket for each key and operation, as AWS counts them."""

import math
from collections.abc import Mapping

from voiceid_optout.service.errors import ApiError

AWS: Mapping[str, float] = {
    "OptOutSpeaker": 10,
    "DescribeSpeaker": 10,
    "DeleteSpeaker": 10,
    "DescribeFraudster": 10,
    "DeleteFraudster": 10,
    "ListSpeakers": 5,
    "EvaluateSession": 60,
    **dict.fromkeys(("CreateDomain", "DescribeDomain", "UpdateDomain", "DeleteDomain", "ListDomains"), 2),
    **dict.fromkeys(("TagResource", "UntagResource", "ListTagsForResource"), 2),
    **dict.fromkeys(
        (
            f"{verb}{kind}Job{plural}"
            for kind in ("SpeakerEnrollment", "FraudsterRegistration")
            for verb, plural in (("Start", ""), ("Describe", ""), ("List", "s"))
        ),
        2,
    ),
}
"""Calls a second, from AWS's list of service quotas. It has no figure for watchlists: those have no quota."""


class ThrottledError(ApiError):
    """The key has used up its quota of the operation; ``seconds`` is when the next call fits."""

    def __init__(self, seconds: float) -> None:
        super().__init__("ThrottlingException", "Rate exceeded")
        milliseconds = math.ceil(round(seconds * 1000, 3))  # sums of fractions end beside the whole
        # Each SDK knows one of the two and ignores the other.
        self.headers = (
            (b"x-amz-retry-after", str(milliseconds).encode()),
            (b"retry-after", str(math.ceil(milliseconds / 1000)).encode()),
        )


class Quotas:
    """Token buckets that hold one second's calls, kept as the time at which each would be full again.

    In this process and in constant time. ``rates`` are calls a second by operation, above 0; operations without one
    have no quota. Used from the event loop only.
    """

    def __init__(self, rates: Mapping[str, float]) -> None:
        # One call's share of a second, and how far ahead of now a bucket may be booked (AWS names no burst).
        self._costs = {name: (1 / rate, max(1.0, 1 / rate)) for name, rate in rates.items()}
        self._full_at: dict[tuple[str, str], float] = {}

    def spend(self, access_key_id: str, operation: str, now: float) -> None:
        """Take one call out of the bucket at ``now`` (any clock that only runs forward); raises ThrottledError."""
        cost = self._costs.get(operation)
        if cost is None:
            return
        step, depth = cost
        bucket = (access_key_id, operation)
        full_at = max(self._full_at.get(bucket, 0.0), now) + step
        if full_at - now > depth + 1e-9:  # sums of fractions end beside the whole
            raise ThrottledError(full_at - now - depth)
        self._full_at[bucket] = full_at
