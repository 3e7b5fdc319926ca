"""Watchlists of a domain; every domain has a default one, which nobody can change."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from voiceid_optout.service import ids
from voiceid_optout.service.db.idempotency import once
from voiceid_optout.service.db.schema import watchlist_members as members
from voiceid_optout.service.db.schema import watchlists as table
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.errors import conflict, invalid, quota_exceeded, watchlist_not_found
from voiceid_optout.service.operations import domains, paging


def create_watchlist(tx: Transaction, request: Request) -> Result:
    return once(tx, "CreateWatchlist", request, _create)


def _create(tx: Transaction, request: Request) -> Result:
    domain = domains.active(tx, request["DomainId"])
    count = select(func.count()).select_from(table).where(table.c.domain_id == domain.domain_id)
    limit = tx.tenant.limits.watchlists_per_domain
    if int(tx.connection.scalar(count) or 0) >= limit:
        raise quota_exceeded(f"A domain can have {limit} watchlists, the default one included.")
    watchlist_id = ids.resource_id()
    row = {
        "watchlist_id": watchlist_id,
        "domain_id": domain.domain_id,
        "name": request["Name"],
        "description": request.get("Description"),
        "created_at": tx.now,
        "updated_at": tx.now,
    }
    tx.connection.execute(insert(table), row)
    return {"Watchlist": _shown(row, domain)}


def describe_watchlist(tx: Transaction, request: Request) -> Result:
    domain = domains.find(tx, request["DomainId"])
    row = find(tx, domain.domain_id, request["WatchlistId"])
    return {"Watchlist": _shown(row._asdict(), domain)}


def list_watchlists(tx: Transaction, request: Request) -> Result:
    """List all watchlists of a domain; the default one is the first."""
    domain = domains.find(tx, request["DomainId"])
    query = select(table).where(table.c.domain_id == domain.domain_id)
    entries, more = paging.page(tx, "ListWatchlists", request, query, table, lambda row: _shown(row, domain))
    return {"WatchlistSummaries": entries, **more}


def update_watchlist(tx: Transaction, request: Request) -> Result:
    """Change the name, the description or both; what is left out stays."""
    domain = domains.active(tx, request["DomainId"])
    row = _changeable(tx, domain, request["WatchlistId"])
    given = {"name": request.get("Name"), "description": request.get("Description")}
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        changed = update(table).where(table.c.sequence == row.sequence).values(updated_at=tx.now, **changes)
        tx.connection.execute(changed)
    return {"Watchlist": _shown(find(tx, domain.domain_id, row.watchlist_id)._asdict(), domain)}


def delete_watchlist(tx: Transaction, request: Request) -> Result:
    domain = domains.active(tx, request["DomainId"])
    row = _changeable(tx, domain, request["WatchlistId"])
    if size(tx, domain.domain_id, row.watchlist_id):
        raise conflict(
            "CANNOT_DELETE_NON_EMPTY_WATCHLIST",
            "The watchlist holds fraudsters; disassociate or delete them first.",
        )
    tx.connection.execute(delete(table).where(table.c.sequence == row.sequence))
    return {}


def find(tx: Transaction, domain_id: str, watchlist_id: str) -> Row[Any]:
    """Return a watchlist's row; raises ResourceNotFoundException."""
    query = select(table).where(table.c.domain_id == domain_id, table.c.watchlist_id == watchlist_id)
    row = tx.connection.execute(query).first()
    if row is None:
        raise watchlist_not_found()
    return row


def size(tx: Transaction, domain_id: str, watchlist_id: str) -> int:
    """Return how many fraudsters are in the watchlist."""
    here = (members.c.domain_id == domain_id, members.c.watchlist_id == watchlist_id)
    return int(tx.connection.scalar(select(func.count()).select_from(members).where(*here)) or 0)


def room(tx: Transaction, domain_id: str, watchlist_id: str) -> int:
    """Return how many more fraudsters the watchlist can take."""
    return tx.tenant.limits.fraudsters_per_watchlist - size(tx, domain_id, watchlist_id)


def _changeable(tx: Transaction, domain: domains.DomainRow, watchlist_id: str) -> Row[Any]:
    row = find(tx, domain.domain_id, watchlist_id)
    if row.watchlist_id == domain.default_watchlist_id:
        raise invalid("The default watchlist of a domain cannot be updated or deleted.")
    return row


def _shown(row: Mapping[str, Any], domain: domains.DomainRow) -> Result:
    return {
        "CreatedAt": row["created_at"],
        "DefaultWatchlist": row["watchlist_id"] == domain.default_watchlist_id,
        "Description": row["description"],
        "DomainId": row["domain_id"],
        "Name": row["name"],
        "UpdatedAt": row["updated_at"],
        "WatchlistId": row["watchlist_id"],
    }
