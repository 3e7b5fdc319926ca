"""What an operation works with: a connection inside a transaction, the time, and the service's settings."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection

Request = dict[str, Any]
Result = dict[str, Any]


class DomainStatus(StrEnum):
    ACTIVE = "ACTIVE"
    PENDING = "PENDING"
    SUSPENDED = "SUSPENDED"


class SpeakerStatus(StrEnum):
    ENROLLED = "ENROLLED"
    EXPIRED = "EXPIRED"
    OPTED_OUT = "OPTED_OUT"
    PENDING = "PENDING"


@dataclass(frozen=True, slots=True)
class Limits:
    """Quotas that count things; the defaults are AWS's."""

    domains: int = 3
    speakers_per_domain: int = 100_000
    tags_per_domain: int = 200
    watchlists_per_domain: int = 3
    fraudsters_per_watchlist: int = 500
    speakers_per_job: int = 10_000
    fraudsters_per_job: int = 500


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose data this is: the region and account of the domains' ARNs, the limits, and where events go.

    ``replay_window`` is for how many seconds a signature is good.
    """

    region: str
    account: str = "000000000000"
    limits: Limits = field(default_factory=Limits)
    sinks: tuple[str, ...] = ()
    replay_window: float = 15 * 60

    def domain_arn(self, domain_id: str) -> str:
        return f"arn:aws:voiceid:{self.region}:{self.account}:domain/{domain_id}"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction of one batch. ``now`` is in epoch seconds with milliseconds."""

    connection: Connection
    now: float
    tenant: Tenant
    token_key: bytes = field(repr=False)
