"""Test hooks: changes that no Voice ID call can make, such as a speaker who is enrolled, and what they take.

The API offers none of them; the admin port does where it was asked to, and ``--domain`` uses one.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import insert, select, update

from voiceid_optout.service.db.idempotency import remember
from voiceid_optout.service.db.schema import speakers as table
from voiceid_optout.service.db.transaction import (
    DomainStatus,
    Operation,
    Request,
    Result,
    SpeakerStatus,
    Transaction,
    write,
)
from voiceid_optout.service.operations import domains, sessions, speakers
from voiceid_optout.service.operations.speakers import grow, new_row

SANDBOX_KEY = "alias/voiceid-optout-sandbox"


def seed_speaker(tx: Transaction, request: Request) -> Result:
    """Create or override a speaker with any status; with Recreate under a new generated id."""
    domain = domains.find(tx, request["DomainId"])
    customer_id, status = request["CustomerSpeakerId"], SpeakerStatus(request["Status"])
    # Only enrolment and authentication count as access.
    accessed = tx.now if status in (SpeakerStatus.ENROLLED, SpeakerStatus.EXPIRED) else None
    found = tx.connection.execute(
        select(table).where(table.c.domain_id == domain.domain_id, table.c.customer_id == customer_id)
    ).first()
    if found is not None and request.get("Recreate"):
        speakers.remove(tx, found)
        found = None
    if found is None:
        row = new_row(tx, domain.domain_id, customer_id, status) | {"last_accessed_at": accessed}
        tx.connection.execute(insert(table), row)
        grow(tx.connection, domain.domain_id, 1)
    else:
        if found.opted_out_by is not None:
            remember(tx, {found.opted_out_by: None})
        values = {
            "status": status,
            "updated_at": tx.now,
            "last_accessed_at": accessed,
            "opted_out_by": None,
        }
        tx.connection.execute(update(table).where(table.c.sequence == found.sequence).values(values))
    return {"Speaker": speakers.shown(speakers.find(tx, domain.domain_id, customer_id)._asdict())}


def ensure_domain(tx: Transaction, request: Request) -> Result:
    """Create the domain with this id if it is missing; the quota does not count here."""
    if not domains.find_all(tx, [request["DomainId"]]):
        name = request.get("Name", "sandbox")
        domains.add(tx, request["DomainId"], name=name, kms_key_id=SANDBOX_KEY, description=None)
    return domains.describe_domain(tx, request)


def set_status(status: DomainStatus, tx: Transaction, request: Request) -> Result:
    domains.set_status(tx, domains.find(tx, request["DomainId"]).domain_id, status)
    return domains.describe_domain(tx, request)


HOOKS: Mapping[str, Operation] = {
    "SeedSpeaker": write(seed_speaker),
    "EnsureDomain": write(ensure_domain, alone=True),
    "SuspendDomain": write(partial(set_status, DomainStatus.SUSPENDED)),
    "ReactivateDomain": write(partial(set_status, DomainStatus.ACTIVE)),
    "SeedSession": write(sessions.seed_session),
}

_SCORES = (
    *("AuthenticationScore", "AcceptanceThreshold"),
    *("KnownFraudsterRiskScore", "VoiceSpoofingRiskScore", "RiskThreshold"),
)
_NAMES = ("CustomerSpeakerId", "StreamingStatus", "GeneratedFraudsterId", "WatchlistId")
_SESSION = {name: {"shape": "Score"} for name in _SCORES} | {name: {"shape": name} for name in _NAMES}


def hooks_model(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model of the hooks on top of the service's shapes, so that one validator serves both."""
    domain = {"DomainId": {"shape": "DomainId"}}
    shapes = {
        "Flag": {"type": "boolean"},
        "Seed": structure(
            {
                **domain,
                "CustomerSpeakerId": {"shape": "CustomerSpeakerId"},
                "Status": {"shape": "SpeakerStatus"},
                "Recreate": {"shape": "Flag"},
            },
            "Recreate",
        ),
        "NamedDomain": structure({**domain, "Name": {"shape": "DomainName"}}, "Name"),
        "Session": structure({**domain, "SessionName": {"shape": "SessionName"}, **_SESSION}, *_SESSION),
        "OneDomain": structure(domain),
    }
    inputs = {
        "SeedSpeaker": "Seed",
        "EnsureDomain": "NamedDomain",
        "SuspendDomain": "OneDomain",
        "ReactivateDomain": "OneDomain",
        "SeedSession": "Session",
    }
    return {
        "shapes": {**model["shapes"], **shapes},
        "operations": {name: {"input": {"shape": shape}} for name, shape in inputs.items()},
    }


def structure(members: Mapping[str, Any], *optional: str) -> dict[str, Any]:
    return {
        "type": "structure",
        "members": dict(members),
        "required": [name for name in members if name not in optional],
    }
