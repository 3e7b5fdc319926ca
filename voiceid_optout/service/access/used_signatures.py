"""Signatures of destructive requests, remembered in the database: for all processes on it, and through restarts."""

from collections.abc import Callable

from sqlalchemy import delete, insert, select

from voiceid_optout.service.access.tables import used_signatures as table
from voiceid_optout.service.transaction import Request, Result, Transaction


def use_signature(window: float) -> Callable[[Transaction, Request], Result]:
    """Return the operation that notes a signature: its result says since how many seconds it is known.

    ``window`` is the replay window in seconds; a signature may be dated that far ahead, so it is kept twice that.
    """

    def use(tx: Transaction, request: Request) -> Result:
        signature = request["Signature"]
        tx.connection.execute(delete(table).where(table.c.first_used_at < tx.now - 2 * window))
        first = tx.connection.scalar(select(table.c.first_used_at).where(table.c.signature == signature))
        if first is None:
            tx.connection.execute(insert(table), {"signature": signature, "first_used_at": tx.now})
            return {"Age": 0.0}
        return {"Age": tx.now - first}

    return use
