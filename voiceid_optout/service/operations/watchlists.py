"""Watchlists of a domain, of which the default one cannot be changed, and fraudsters, who are on one or more."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Row, and_, delete, func, insert, select, update

from voiceid_optout.service import ids
from voiceid_optout.service.db.idempotency import once
from voiceid_optout.service.db.schema import fraudsters, watchlists
from voiceid_optout.service.db.schema import watchlist_members as members
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.errors import (
    conflict,
    invalid,
    not_found,
    quota_exceeded,
)
from voiceid_optout.service.operations import domains, paging


def create_watchlist(tx: Transaction, request: Request) -> Result:
    return once(tx, "CreateWatchlist", request, _create)


def _create(tx: Transaction, request: Request) -> Result:
    domain = domains.active(tx, request["DomainId"])
    count = select(func.count()).select_from(watchlists).where(watchlists.c.domain_id == domain.domain_id)
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
    tx.connection.execute(insert(watchlists), row)
    return {"Watchlist": _watchlist(row, domain)}


def describe_watchlist(tx: Transaction, request: Request) -> Result:
    domain = domains.find(tx, request["DomainId"])
    row = find(tx, domain.domain_id, request["WatchlistId"])
    return {"Watchlist": _watchlist(row._asdict(), domain)}


def list_watchlists(tx: Transaction, request: Request) -> Result:
    """List all watchlists of a domain; the default one is the first."""
    domain = domains.find(tx, request["DomainId"])
    query = select(watchlists).where(watchlists.c.domain_id == domain.domain_id)
    show = partial(_watchlist, domain=domain)
    entries, more = paging.page(tx, "ListWatchlists", request, query, watchlists, show)
    return {"WatchlistSummaries": entries, **more}


def update_watchlist(tx: Transaction, request: Request) -> Result:
    """Change the name, the description or both; what is left out stays."""
    domain = domains.active(tx, request["DomainId"])
    row = _changeable(tx, domain, request["WatchlistId"])
    given = {"name": request.get("Name"), "description": request.get("Description")}
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        mine = watchlists.c.sequence == row.sequence
        tx.connection.execute(update(watchlists).where(mine).values(updated_at=tx.now, **changes))
    return {"Watchlist": _watchlist(find(tx, domain.domain_id, row.watchlist_id)._asdict(), domain)}


def delete_watchlist(tx: Transaction, request: Request) -> Result:
    domain = domains.active(tx, request["DomainId"])
    row = _changeable(tx, domain, request["WatchlistId"])
    if size(tx, domain.domain_id, row.watchlist_id):
        raise conflict(
            "CANNOT_DELETE_NON_EMPTY_WATCHLIST",
            "The watchlist holds fraudsters; disassociate or delete them first.",
        )
    tx.connection.execute(delete(watchlists).where(watchlists.c.sequence == row.sequence))
    return {}


def find(tx: Transaction, domain_id: str, watchlist_id: str) -> Row[Any]:
    """Return a watchlist's row; raises ResourceNotFoundException."""
    query = select(watchlists).where(watchlists.c.domain_id == domain_id, watchlists.c.watchlist_id == watchlist_id)
    row = tx.connection.execute(query).first()
    if row is None:
        raise not_found("WATCHLIST")
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


def _watchlist(row: Mapping[str, Any], domain: domains.DomainRow) -> Result:
    return {
        "CreatedAt": row["created_at"],
        "DefaultWatchlist": row["watchlist_id"] == domain.default_watchlist_id,
        "Description": row["description"],
        "DomainId": row["domain_id"],
        "Name": row["name"],
        "UpdatedAt": row["updated_at"],
        "WatchlistId": row["watchlist_id"],
    }


def describe_fraudster(tx: Transaction, request: Request) -> Result:
    domain = domains.find(tx, request["DomainId"])
    return {"Fraudster": _described(tx, _find_fraudster(tx, domain.domain_id, request["FraudsterId"]))}


def list_fraudsters(tx: Transaction, request: Request) -> Result:
    """List the fraudsters of a domain, or those on one watchlist."""
    domain = domains.find(tx, request["DomainId"])
    query = select(fraudsters).where(fraudsters.c.domain_id == domain.domain_id)
    if "WatchlistId" in request:
        watchlist = find(tx, domain.domain_id, request["WatchlistId"])
        same = (members.c.domain_id == fraudsters.c.domain_id, members.c.generated_id == fraudsters.c.generated_id)
        query = query.join(members, and_(*same)).where(members.c.watchlist_id == watchlist.watchlist_id)
    entries, more = paging.page(tx, "ListFraudsters", request, query, fraudsters, _fraudster)
    on = _watchlists(tx, domain.domain_id, [entry["GeneratedFraudsterId"] for entry in entries])
    summaries = [{**entry, "WatchlistIds": on[entry["GeneratedFraudsterId"]]} for entry in entries]
    return {"FraudsterSummaries": summaries, **more}


def delete_fraudster(tx: Transaction, request: Request) -> Result:
    domain = domains.active(tx, request["DomainId"])
    row = _find_fraudster(tx, domain.domain_id, request["FraudsterId"])
    tx.connection.execute(delete(members).where(*_memberships(row)))
    tx.connection.execute(delete(fraudsters).where(fraudsters.c.sequence == row.sequence))
    return {}


def associate_fraudster(tx: Transaction, request: Request) -> Result:
    """Put a fraudster on a watchlist; one who is on it already stays there."""
    domain = domains.active(tx, request["DomainId"])
    row = _find_fraudster(tx, domain.domain_id, request["FraudsterId"])
    watchlist = find(tx, domain.domain_id, request["WatchlistId"])
    if watchlist.watchlist_id not in _watchlists_of(tx, row):
        if room(tx, domain.domain_id, watchlist.watchlist_id) < 1:
            raise quota_exceeded("The watchlist holds as many fraudsters as its quota allows.")
        add_members(tx, domain.domain_id, watchlist.watchlist_id, [row.generated_id])
    return {"Fraudster": _described(tx, row)}


def disassociate_fraudster(tx: Transaction, request: Request) -> Result:
    """Take a fraudster off a watchlist, unless it is the only one; one who is not on it is no error."""
    domain = domains.active(tx, request["DomainId"])
    row = _find_fraudster(tx, domain.domain_id, request["FraudsterId"])
    watchlist = find(tx, domain.domain_id, request["WatchlistId"])
    if _watchlists_of(tx, row) == [watchlist.watchlist_id]:
        raise invalid("A fraudster must be on at least one watchlist; delete the fraudster instead.")
    tx.connection.execute(
        delete(members).where(*_memberships(row), members.c.watchlist_id == watchlist.watchlist_id)
    )
    return {"Fraudster": _described(tx, row)}


def register(tx: Transaction, domain_id: str, watchlist_id: str, count: int) -> list[str]:
    """Add new fraudsters on a watchlist and return their ids: ``count``, or fewer when the watchlist is full."""
    added = [ids.speaker_id() for _ in range(min(count, room(tx, domain_id, watchlist_id)))]
    if added:
        rows = [{"domain_id": domain_id, "generated_id": name, "created_at": tx.now} for name in added]
        tx.connection.execute(insert(fraudsters), rows)
        add_members(tx, domain_id, watchlist_id, added)
    return added


def add_members(tx: Transaction, domain_id: str, watchlist_id: str, names: Sequence[str]) -> None:
    rows = [{"domain_id": domain_id, "watchlist_id": watchlist_id, "generated_id": name} for name in names]
    tx.connection.execute(insert(members), rows)


def _find_fraudster(tx: Transaction, domain_id: str, fraudster_id: str) -> Row[Any]:
    query = select(fraudsters).where(fraudsters.c.domain_id == domain_id, fraudsters.c.generated_id == fraudster_id)
    row = tx.connection.execute(query).first()
    if row is None:
        raise not_found("FRAUDSTER")
    return row


def _memberships(row: Row[Any]) -> Sequence[Any]:
    return members.c.domain_id == row.domain_id, members.c.generated_id == row.generated_id


def _watchlists_of(tx: Transaction, row: Row[Any]) -> list[str]:
    return _watchlists(tx, row.domain_id, [row.generated_id])[row.generated_id]


def _watchlists(tx: Transaction, domain_id: str, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the watchlists of each fraudster, in a stable order."""
    on: dict[str, list[str]] = {name: [] for name in names}
    query = select(members.c.generated_id, members.c.watchlist_id).where(
        members.c.domain_id == domain_id, members.c.generated_id.in_(names)
    )
    for name, watchlist_id in tx.connection.execute(query.order_by(members.c.watchlist_id)):
        on[name].append(watchlist_id)
    return on


def _described(tx: Transaction, row: Row[Any]) -> Result:
    return {**_fraudster(row._asdict()), "WatchlistIds": _watchlists_of(tx, row)}


def _fraudster(row: Mapping[str, Any]) -> Result:
    return {
        "CreatedAt": row["created_at"],
        "DomainId": row["domain_id"],
        "GeneratedFraudsterId": row["generated_id"],
    }
