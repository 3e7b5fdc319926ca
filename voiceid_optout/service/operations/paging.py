"""Pages of a listing, in the order of creation, and the tokens that lead from one to the next.

A token is a signed place in the listing, bound to the call's arguments and to a lifetime of 24 hours.
"""

import base64
import binascii
import hashlib
import hmac
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table

from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.errors import invalid

LIFETIME_SECONDS = 24 * 3600

_PLACE = struct.Struct(">QI")  # sequence number of the last row given, time of issue
_MAC_BYTES = 16


PAGE_SIZE = 100


def issue(key: bytes, operation: str, request: Mapping[str, Any], sequence: int, now: float) -> str:
    """Return the token for the page after ``sequence``."""
    place = _PLACE.pack(sequence, int(now))
    return base64.urlsafe_b64encode(place + _mac(key, operation, request, place)).decode()


def start_after(key: bytes, operation: str, request: Mapping[str, Any], now: float) -> int:
    """Return the sequence number to go on after: 0 without a token; raises ApiError if the token is not good."""
    token = request.get("NextToken")
    if token is None:
        return 0
    try:
        packed = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        packed = b""
    place, mac = packed[: _PLACE.size], packed[_PLACE.size :]
    if not hmac.compare_digest(mac, _mac(key, operation, request, place)) or len(place) != _PLACE.size:
        raise invalid("NextToken is not one that this operation gave for these arguments; start again without it.")
    sequence, issued = _PLACE.unpack(place)
    if now - issued > LIFETIME_SECONDS:
        raise invalid("NextToken has expired: it is good for 24 hours; start again without it.")
    return int(sequence)


def _mac(key: bytes, operation: str, request: Mapping[str, Any], place: bytes) -> bytes:
    arguments = {name: value for name, value in request.items() if name != "NextToken"}
    text = json.dumps([operation, arguments], sort_keys=True).encode()
    return hmac.new(key, place + text, hashlib.sha256).digest()[:_MAC_BYTES]


def page(
    tx: Transaction,
    operation: str,
    request: Request,
    query: Select[Any],
    table: Table,
    show: Callable[[Mapping[str, Any]], Result],
    *,
    size: int = PAGE_SIZE,
) -> tuple[list[Result], Mapping[str, str]]:
    """Return the page's entries, and NextToken if there are more: of ``query``, which selects rows of ``table``."""

    def fetch(after: int, count: int) -> list[Mapping[str, Any]]:
        ordered = query.where(table.c.sequence > after).order_by(table.c.sequence).limit(count)
        return [row._asdict() for row in tx.connection.execute(ordered)]

    return fetched(tx, operation, request, fetch, show, size=size)


def fetched(
    tx: Transaction,
    operation: str,
    request: Request,
    fetch: Callable[[int, int], Sequence[Mapping[str, Any]]],
    show: Callable[[Mapping[str, Any]], Result],
    *,
    size: int = PAGE_SIZE,
) -> tuple[list[Result], Mapping[str, str]]:
    """Return the page's entries, and NextToken if there are more.

    ``fetch`` gets a ``sequence`` number and a count, and returns so many rows after it, in their order: a page
    begins after the last row of the one before, so it costs the same wherever it is, and stays right while rows
    come and go. Raises ApiError for a token that is not good.
    """
    after = start_after(tx.token_key, operation, request, tx.now)
    size = request.get("MaxResults", size)
    rows = fetch(after, size + 1)
    entries = [show(row) for row in rows[:size]]
    if len(rows) <= size:
        return entries, {}
    token = issue(tx.token_key, operation, request, rows[size - 1]["sequence"], tx.now)
    return entries, {"NextToken": token}
