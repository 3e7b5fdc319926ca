"""Quotas of calls a second, and the gate that lets a request pass: by the role of its key, then by its quota.

There is one bucket for each key and operation, as AWS counts them. An operator may write rates of his own as TOML.
"""

import math
import time
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from voiceid_optout.service.auth.keys import not_granted
from voiceid_optout.service.auth.sigv4 import Signed
from voiceid_optout.service.errors import ApiError, ServiceError

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


class QuotaError(ServiceError):
    """The quotas cannot be used; the text says where and why."""


def read_rates(path: Path, operations: Collection[str]) -> dict[str, float]:
    """Return the file's calls a second by operation; raises QuotaError."""
    try:
        with path.open("rb") as file:
            return checked_rates(tomllib.load(file), operations, str(path))
    except OSError as error:
        raise QuotaError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise QuotaError(f"{path} is not TOML, in lines such as OptOutSpeaker = 50: {error}") from error


def checked_rates(given: Mapping[str, object], operations: Collection[str], where: str) -> dict[str, float]:
    """Return rates by operation if all are ones that can be kept; raises QuotaError."""
    rates: dict[str, float] = {}
    for name, rate in given.items():
        if name not in operations:
            raise QuotaError(f"{where}: there is no operation {name}")
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf:
            raise QuotaError(f"{where}: {name} needs calls a second above 0; leave it out to have no quota")
        rates[name] = float(rate)
    return rates


class Gate:
    """Lets a request pass or raises the ApiError to answer."""

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def admit(self, signed: Signed, operation: str) -> None:
        """Raise AccessDeniedException or ThrottlingException."""
        key = signed.key
        if operation not in key.operations:
            raise not_granted(key.role, operation)
        self._quotas.spend(key.access_key_id, operation, time.monotonic())
