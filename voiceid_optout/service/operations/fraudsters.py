"""Fraudsters, and which watchlists they are on: at least one each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select

from voiceid_optout.service import ids
from voiceid_optout.service.db.schema import fraudsters as table
from voiceid_optout.service.db.schema import watchlist_members as members
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.errors import fraudster_not_found, invalid, quota_exceeded
from voiceid_optout.service.operations import domains, paging, watchlists


def describe_fraudster(tx: Transaction, request: Request) -> Result:
    domain = domains.find(tx, request["DomainId"])
    return {"Fraudster": _described(tx, _find(tx, domain.domain_id, request["FraudsterId"]))}


def list_fraudsters(tx: Transaction, request: Request) -> Result:
    """List the fraudsters of a domain, or those on one watchlist."""
    domain = domains.find(tx, request["DomainId"])
    query = select(table).where(table.c.domain_id == domain.domain_id)
    if "WatchlistId" in request:
        watchlist = watchlists.find(tx, domain.domain_id, request["WatchlistId"])
        joined = (members.c.domain_id == table.c.domain_id) & (members.c.generated_id == table.c.generated_id)
        query = query.join(members, joined).where(members.c.watchlist_id == watchlist.watchlist_id)
    entries, more = paging.page(tx, "ListFraudsters", request, query, table, _shown)
    on = _watchlists(tx, domain.domain_id, [entry["GeneratedFraudsterId"] for entry in entries])
    summaries = [{**entry, "WatchlistIds": on[entry["GeneratedFraudsterId"]]} for entry in entries]
    return {"FraudsterSummaries": summaries, **more}


def delete_fraudster(tx: Transaction, request: Request) -> Result:
    domain = domains.active(tx, request["DomainId"])
    row = _find(tx, domain.domain_id, request["FraudsterId"])
    tx.connection.execute(delete(members).where(*_memberships(row)))
    tx.connection.execute(delete(table).where(table.c.sequence == row.sequence))
    return {}


def associate_fraudster(tx: Transaction, request: Request) -> Result:
    """Put a fraudster on a watchlist; one who is on it already stays there."""
    domain = domains.active(tx, request["DomainId"])
    row = _find(tx, domain.domain_id, request["FraudsterId"])
    watchlist = watchlists.find(tx, domain.domain_id, request["WatchlistId"])
    if watchlist.watchlist_id not in _watchlists_of(tx, row):
        if watchlists.room(tx, domain.domain_id, watchlist.watchlist_id) < 1:
            raise quota_exceeded("The watchlist holds as many fraudsters as its quota allows.")
        add_members(tx, domain.domain_id, watchlist.watchlist_id, [row.generated_id])
    return {"Fraudster": _described(tx, row)}


def disassociate_fraudster(tx: Transaction, request: Request) -> Result:
    """Take a fraudster off a watchlist, unless it is the only one; one who is not on it is no error."""
    domain = domains.active(tx, request["DomainId"])
    row = _find(tx, domain.domain_id, request["FraudsterId"])
    watchlist = watchlists.find(tx, domain.domain_id, request["WatchlistId"])
    if _watchlists_of(tx, row) == [watchlist.watchlist_id]:
        raise invalid("A fraudster must be on at least one watchlist; delete the fraudster instead.")
    tx.connection.execute(
        delete(members).where(*_memberships(row), members.c.watchlist_id == watchlist.watchlist_id)
    )
    return {"Fraudster": _described(tx, row)}


def register(tx: Transaction, domain_id: str, watchlist_id: str, count: int) -> list[str]:
    """Add new fraudsters on a watchlist and return their ids: ``count``, or fewer when the watchlist is full."""
    added = [ids.speaker_id() for _ in range(min(count, watchlists.room(tx, domain_id, watchlist_id)))]
    if added:
        rows = [{"domain_id": domain_id, "generated_id": name, "created_at": tx.now} for name in added]
        tx.connection.execute(insert(table), rows)
        add_members(tx, domain_id, watchlist_id, added)
    return added


def add_members(tx: Transaction, domain_id: str, watchlist_id: str, names: Sequence[str]) -> None:
    rows = [{"domain_id": domain_id, "watchlist_id": watchlist_id, "generated_id": name} for name in names]
    tx.connection.execute(insert(members), rows)


def _find(tx: Transaction, domain_id: str, fraudster_id: str) -> Row[Any]:
    query = select(table).where(table.c.domain_id == domain_id, table.c.generated_id == fraudster_id)
    row = tx.connection.execute(query).first()
    if row is None:
        raise fraudster_not_found()
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
    return {**_shown(row._asdict()), "WatchlistIds": _watchlists_of(tx, row)}


def _shown(row: Mapping[str, Any]) -> Result:
    return {
        "CreatedAt": row["created_at"],
        "DomainId": row["domain_id"],
        "GeneratedFraudsterId": row["generated_id"],
    }
