"""The outbox of speaker events: recorded in the transaction that makes them happen, kept until each sink has them.

An event is Amazon EventBridge's envelope around Voice ID's detail, without a customer's id. A sink is a place that
events go to, by name. A row is one event for one sink, so that a sink that is away holds up nobody but itself.
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from voiceid_optout.service.db.schema import event_leases as leases
from voiceid_optout.service.db.schema import event_outbox as outbox
from voiceid_optout.service.db.transaction import Operation, Request, Result, Transaction, read, write
from voiceid_optout.service.settings import Tenant

DETAIL_TYPE = "VoiceId Speaker Action"
SOURCE = "aws.voiceid"


class Action(StrEnum):
    """AWS documents the field and not its values; these are all that this service sends."""

    OPT_OUT = "OPT_OUT_SPEAKER"
    DELETE = "DELETE_SPEAKER"
    ENROLL = "ENROLL_SPEAKER"


class Status(StrEnum):
    """As with Action, the values are this service's own."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True)
class SpeakerEvent:
    """One thing that happened to one speaker, who is named by the generated id alone.

    ``data`` says where an enrolment came from, by the id of a job or session, and ``error`` why it failed: both as
    Voice ID's detail has them, and neither names a person.
    """

    action: Action
    domain_id: str
    generated_speaker_id: str
    status: Status = Status.SUCCESS
    data: Mapping[str, str] | None = None
    error: Mapping[str, Any] | None = None


def envelope(event: SpeakerEvent, tenant: Tenant, now: float) -> str:
    """Return the event as one line of JSON; ``now`` is in epoch seconds."""
    detail: dict[str, Any] = {
        "sourceId": str(uuid.uuid4()),
        "action": event.action,
        "status": event.status,
        "domainId": event.domain_id,
        "generatedSpeakerId": event.generated_speaker_id,
    }
    if event.data is not None:
        detail["data"] = event.data
    if event.error is not None:
        detail["errorInfo"] = event.error
    whole = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPE,
        "source": SOURCE,
        "account": tenant.account,
        "time": dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": tenant.region,
        "resources": [tenant.domain_arn(event.domain_id)],
        "detail": detail,
    }
    return json.dumps(whole, separators=(",", ":"))


def record(tx: Transaction, events: Sequence[SpeakerEvent]) -> None:
    """Put the events into the outbox of every configured sink, within ``tx``.

    Without a sink this writes nothing; a caller on a hot path asks ``tx.tenant.sinks`` before it makes events.
    """
    if not tx.tenant.sinks or not events:
        return
    bodies = [envelope(event, tx.tenant, tx.now) for event in events]
    rows = [{"sink": sink, "body": body, "created_at": tx.now} for body in bodies for sink in tx.tenant.sinks]
    tx.connection.execute(insert(outbox), rows)


def waiting(tx: Transaction, request: Request) -> Result:
    """Return the oldest events of a sink, as (sequence, body)."""
    query = select(outbox.c.sequence, outbox.c.body).where(outbox.c.sink == request["Sink"])
    rows = tx.connection.execute(query.order_by(outbox.c.sequence).limit(request["Limit"]))
    return {"Events": [(row.sequence, row.body) for row in rows]}


def lease(tx: Transaction, request: Request) -> Result:
    """Give the holder the sink for some seconds, unless another one has it: events keep their order by it."""
    holder, mine = request["Holder"], leases.c.sink == request["Sink"]
    values = {"holder": holder, "until": tx.now + request["Seconds"]}
    free = (leases.c.holder == holder) | (leases.c.until < tx.now)
    if tx.connection.execute(update(leases).where(mine, free).values(values)).rowcount:
        return {"Held": True}
    if tx.connection.scalar(select(leases.c.holder).where(mine)) is not None:
        return {"Held": False}
    tx.connection.execute(insert(leases), {"sink": request["Sink"], **values})
    return {"Held": True}


def release(tx: Transaction, request: Request) -> Result:
    """Give the sink back, if the holder has it."""
    own = (leases.c.sink == request["Sink"]) & (leases.c.holder == request["Holder"])
    tx.connection.execute(delete(leases).where(own))
    return {}


def delivered(tx: Transaction, request: Request) -> Result:
    """Forget events that have arrived."""
    tx.connection.execute(delete(outbox).where(outbox.c.sequence.in_(request["Sequences"])))
    return {}


def lag(tx: Transaction, _request: Request) -> Result:
    """Return by sink how many events wait, and how long the first of them has waited.

    They are counted by their index alone: a million of them may wait for a sink that is away.
    """
    counted = select(outbox.c.sink, func.count().label("count"), func.min(outbox.c.sequence).label("first"))
    waits = counted.group_by(outbox.c.sink).subquery()
    query = select(waits.c.sink, waits.c.count, outbox.c.created_at).join(
        outbox, outbox.c.sequence == waits.c.first
    )
    return {
        sink: {"count": count, "age": max(0.0, tx.now - oldest)}
        for sink, count, oldest in tx.connection.execute(query)
    }


DELIVERY: Mapping[str, Operation] = {
    "WaitingEvents": read(waiting),
    "LeaseSink": write(lease, apart=True),
    "ReleaseSink": write(release, apart=True),
    "EventsDelivered": write(delivered, apart=True),
    "EventLag": read(lag),
}
