"""ClientToken: a repeated request gets the first result and has no second effect."""

import hashlib
import json
from collections.abc import Callable

from sqlalchemy import delete, insert, select

from voiceid_optout.service.db.schema import client_tokens as table
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.errors import invalid

LIFETIME_SECONDS = 24 * 3600


def once(
    tx: Transaction, operation: str, request: Request, run: Callable[[Transaction, Request], Result]
) -> Result:
    """Run the operation unless its ClientToken was used in the last 24 hours; then return that result again.

    A request without a token always runs. The same token with other arguments is a ValidationException.
    """
    token = request.get("ClientToken")
    if token is None:
        return run(tx, request)
    fingerprint = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    tx.connection.execute(delete(table).where(table.c.created_at < tx.now - LIFETIME_SECONDS))
    found = tx.connection.execute(
        select(table.c.fingerprint, table.c.response).where(table.c.operation == operation, table.c.token == token)
    ).first()
    if found is None:
        result = run(tx, request)
        tx.connection.execute(
            insert(table),
            {
                "operation": operation,
                "token": token,
                "fingerprint": fingerprint,
                "response": json.dumps(result),
                "created_at": tx.now,
            },
        )
        return result
    if found.fingerprint != fingerprint:
        raise invalid("This ClientToken was used with other arguments; take a new one for a new request.")
    first: Result = json.loads(found.response)
    return first
