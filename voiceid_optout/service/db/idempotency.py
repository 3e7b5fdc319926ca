"""A request has its effect once: what the database knows of signed requests, and of client tokens.

A signed request that changes something is known by its mark, which begins with the request's date. A mark that was
used is in the table, or on the row of the person whom it opted out, or it is not above the newest mark that was
forgotten. None of this asks a clock, so it holds whatever a clock does: on all processes of a database, and through
restarts. A ClientToken is the caller's own name for a request: repeated within a day, it gets the first result.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text

from voiceid_optout.service.db.schema import client_tokens, used_requests
from voiceid_optout.service.db.transaction import Request, Result, Statement, Transaction
from voiceid_optout.service.errors import ApiError, invalid, signature_invalid

_TOKEN_SECONDS = 24 * 3600
FORGOTTEN = "forgotten_requests"
"""The key in ``meta`` of the newest mark that was forgotten."""

_MARKED = {
    "sqlite": "mark IN (SELECT value FROM json_each(:marks))",
    "postgresql": "mark = ANY(CAST(:marks AS varchar[]))",
}
# One statement, so that it sees a mark in the table or the boundary that was raised when the mark was removed.
_RECALL = Statement(
    {
        dialect: f"SELECT mark, outcome FROM used_requests WHERE {marked} "  # noqa: S608  texts of our own
        f"UNION ALL SELECT key, value FROM meta WHERE key = '{FORGOTTEN}'"
        for dialect, marked in _MARKED.items()
    }
)
# Where several services share a database, the clock of one that is wrong must not forget for all.
_OLDEST = {
    "sqlite": "printf('%08x', CAST(:now - :keep AS INTEGER))",
    "postgresql": "lpad(to_hex(CAST(extract(epoch FROM clock_timestamp()) - :keep AS bigint)), 8, '0')",
}
_PAST = {
    dialect: text(f"SELECT max(mark) FROM used_requests WHERE mark < {oldest}")  # noqa: S608  texts of our own
    for dialect, oldest in _OLDEST.items()
}
_RAISE = text(
    f"INSERT INTO meta (key, value) VALUES ('{FORGOTTEN}', :newest) "  # noqa: S608  a text of our own
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE meta.value < excluded.value"
)
_FORGET = text("DELETE FROM used_requests WHERE mark <= :newest")


def mark_of(dated: int, signature: str) -> str:
    """Return a request's mark: its date (epoch seconds) and 64 bits of its signature, as 8 and 16 hex digits."""
    return f"{dated:08x}{signature[:16]}"


def remember(tx: Transaction, outcomes: Mapping[str, str | None]) -> None:
    """Keep marks with the answers to give again, and forget those too old to be sent: only when there are any."""
    if not outcomes:
        return
    tx.connection.execute(
        insert(used_requests), [{"mark": mark, "outcome": kept} for mark, kept in outcomes.items()]
    )
    tx.remembered.update(outcomes)
    # A signature is good for one window; the second is for hosts whose clocks differ.
    times = {"now": tx.now, "keep": 2 * tx.tenant.replay_window}
    newest = tx.connection.scalar(_PAST[tx.connection.dialect.name], times)
    if newest is not None:
        refuse_until(tx.connection, newest)
        tx.connection.execute(_FORGET, {"newest": newest})


def refuse_until(connection: Connection, newest: str) -> None:
    """Take nothing any more whose mark is not above ``newest``."""
    connection.execute(_RAISE, {"newest": newest})


class Used:
    """What was known of a batch's marks when its transaction began, and what the batch itself has used since."""

    def __init__(self, tx: Transaction, marks: Collection[str]) -> None:
        self._tx = tx
        self._known: dict[str, str | None] = {}
        self._newest_forgotten = ""
        if marks:
            sqlite = tx.connection.dialect.name == "sqlite"
            found = _RECALL.run(tx.connection, marks=json.dumps(list(marks)) if sqlite else list(marks))
            self._known = dict(found)
            self._newest_forgotten = self._known.pop(FORGOTTEN, None) or ""

    def __contains__(self, mark: str) -> bool:
        # A release within the batch takes the mark of an earlier opt-out from the person's row into the table.
        return mark in self._known or mark in self._tx.remembered

    def is_forgotten(self, mark: str) -> bool:
        """Tell whether the mark is so old that nobody can say any more if it was used."""
        return mark <= self._newest_forgotten

    def has_answer(self, mark: str) -> bool:
        """Tell whether ``answer`` says all there is to say to the mark, so that nothing is to be looked up."""
        return self._known.get(mark) is not None or self.is_forgotten(mark)

    def answer(self, mark: str) -> Mapping[str, Any] | ApiError:
        """Return what was answered to a request that is in here, or the refusal of one that is forgotten."""
        kept = self._known.get(mark)
        return _forgotten() if kept is None else _loaded(kept)

    def add(self, outcomes: Iterable[tuple[str, Mapping[str, Any] | ApiError]]) -> None:
        """Remember the answers to requests that have just been run."""
        made = {mark: _dumped(outcome) for mark, outcome in outcomes}
        remember(self._tx, made)
        self._known |= made

    def note(self, marks: Iterable[str]) -> None:
        """Know marks, for the rest of the batch, that their operation itself has put down."""
        self._known |= dict.fromkeys(marks)


def _forgotten() -> ApiError:
    return signature_invalid(
        "Signature expired: the service does not remember requests of that date any more, so it takes none. Sign "
        "the request anew, and see to the clocks of the client and of the service."
    )


def _dumped(outcome: Mapping[str, Any] | ApiError) -> str:
    if isinstance(outcome, ApiError):
        error = {"Code": outcome.code, "Text": outcome.text, "Members": outcome.members, "Status": outcome.status}
        return json.dumps({"Error": error})
    return json.dumps({"Result": outcome})


def _loaded(kept: str) -> Mapping[str, Any] | ApiError:
    document = json.loads(kept)
    if "Error" in document:
        error = document["Error"]
        return ApiError(error["Code"], error["Text"], status=error["Status"], members=error["Members"])
    result: Mapping[str, Any] = document["Result"]
    return result


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
    tx.connection.execute(delete(client_tokens).where(client_tokens.c.created_at < tx.now - _TOKEN_SECONDS))
    found = tx.connection.execute(
        select(client_tokens.c.fingerprint, client_tokens.c.response).where(
            client_tokens.c.operation == operation, client_tokens.c.token == token
        )
    ).first()
    if found is None:
        result = run(tx, request)
        tx.connection.execute(
            insert(client_tokens),
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
