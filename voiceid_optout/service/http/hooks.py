"""Test hooks over HTTP: what they take, and the faults that clients are tested with, which the next calls meet."""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from itertools import repeat
from typing import Any

from voiceid_optout.service.auth.quotas import ThrottledError
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Request, Result
from voiceid_optout.service.errors import ApiError, concurrent_changes, denied, internal
from voiceid_optout.service.http.app import ReplyLostError

_WAIT_SECONDS = 0.1  # what a throttled caller is told to wait
_SESSION = {
    "CustomerSpeakerId": {"shape": "CustomerSpeakerId"},
    "StreamingStatus": {"shape": "StreamingStatus"},
    "AuthenticationScore": {"shape": "Score"},
    "AcceptanceThreshold": {"shape": "Score"},
    "KnownFraudsterRiskScore": {"shape": "Score"},
    "GeneratedFraudsterId": {"shape": "GeneratedFraudsterId"},
    "VoiceSpoofingRiskScore": {"shape": "Score"},
    "RiskThreshold": {"shape": "Score"},
    "WatchlistId": {"shape": "WatchlistId"},
}


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


class FaultyStore:
    """A store whose next calls fail as ordered, in front of the one that does the work; for the event loop only."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ordered: dict[str, deque[Fault]] = {}

    def order(self, operation: str, fault: str, count: int) -> None:
        """Let so many next calls of the operation fail; replaces what was ordered before."""
        self._ordered[operation] = deque(repeat(Fault(fault), count))

    async def run(self, operation: str, request: Request, mark: str | None = None) -> Result:
        """Run the operation, or let it fail; raises ApiError, and ReplyLostError after the work is done."""
        waiting = self._ordered.get(operation)
        fault = waiting.popleft() if waiting else None
        if fault is not None and (error := fault.error()) is not None:
            raise error
        result = await self._store.run(operation, request, mark)
        if fault is not None:
            raise ReplyLostError
        return result


def admin_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model of the hooks on top of the service's shapes, so that one validator serves both."""
    domain = {"DomainId": {"shape": "DomainId"}}
    shapes = {
        "Flag": {"type": "boolean"},
        "Seed": _structure(
            {
                **domain,
                "CustomerSpeakerId": {"shape": "CustomerSpeakerId"},
                "Status": {"shape": "SpeakerStatus"},
                "Recreate": {"shape": "Flag"},
            },
            "Recreate",
        ),
        "NamedDomain": _structure({**domain, "Name": {"shape": "DomainName"}}, "Name"),
        "Session": _structure({**domain, "SessionName": {"shape": "SessionName"}, **_SESSION}, *_SESSION),
        "OperationName": {"type": "string"},
        "Fault": {"type": "string", "enum": list(Fault)},
        "Count": {"type": "integer", "min": 0, "max": 1000},
        "OrderedFaults": _structure(
            {"Operation": {"shape": "OperationName"}, "Fault": {"shape": "Fault"}, "Count": {"shape": "Count"}},
            "Count",
        ),
        "OneDomain": _structure(domain),
    }
    inputs = {
        "SeedSpeaker": "Seed",
        "EnsureDomain": "NamedDomain",
        "SuspendDomain": "OneDomain",
        "ReactivateDomain": "OneDomain",
        "SeedSession": "Session",
        "OrderFaults": "OrderedFaults",
    }
    return {
        "shapes": {**model["shapes"], **shapes},
        "operations": {name: {"input": {"shape": shape}} for name, shape in inputs.items()},
    }


def _structure(members: Mapping[str, Any], *optional: str) -> dict[str, Any]:
    return {
        "type": "structure",
        "members": dict(members),
        "required": [name for name in members if name not in optional],
    }
