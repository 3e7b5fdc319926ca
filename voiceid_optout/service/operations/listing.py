"""One page of a listing, in the order of creation."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Select, Table

from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.operations import paging

PAGE_SIZE = 100


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
    """Return the page's entries, and NextToken if there are more.

    ``query`` selects rows of ``table``, whose ``sequence`` rules the order: a page begins after the last row of the
    one before, so it costs the same wherever it is, and stays right while rows come and go. Raises ApiError for a
    token that is not good.
    """
    after = paging.start_after(tx.token_key, operation, request, tx.now)
    size = request.get("MaxResults", size)
    ordered = query.where(table.c.sequence > after).order_by(table.c.sequence).limit(size + 1)
    rows = tx.connection.execute(ordered).all()
    entries = [show(row._asdict()) for row in rows[:size]]
    if len(rows) <= size:
        return entries, {}
    token = paging.issue(tx.token_key, operation, request, rows[size - 1].sequence, tx.now)
    return entries, {"NextToken": token}
