"""The outbox as the deliverer sees it: what waits, who may deliver it, and what has arrived."""

from collections.abc import Mapping

from sqlalchemy import delete, func, insert, select, update

from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.events.outbox import leases, outbox
from voiceid_optout.service.operations.catalogue import Operation, read, write


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
    """Return by sink how many events wait, and when the oldest of them was made."""
    query = select(outbox.c.sink, func.count(), func.min(outbox.c.created_at)).group_by(outbox.c.sink)
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
