"""Rows of domains: what every operation looks up before it does anything else."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, bindparam, insert, select

from voiceid_optout.service import ids
from voiceid_optout.service.db.schema import domains
from voiceid_optout.service.db.schema_batch import watchlists
from voiceid_optout.service.db.transaction import DomainStatus, Transaction
from voiceid_optout.service.errors import domain_not_active, domain_not_found

DomainRow = Row[Any]

DEFAULT_WATCHLIST_NAME = "DefaultWatchlist"

# Made once: building a statement costs as much as running it, and every batch of opt-outs starts with this one.
_ONE = select(domains).where(domains.c.domain_id == bindparam("domain"))


def find(tx: Transaction, domain_id: str) -> DomainRow:
    """Return the domain's row, active or not; raises ResourceNotFoundException."""
    row = tx.connection.execute(_ONE, {"domain": domain_id}).first()
    if row is None:
        raise domain_not_found()
    return row


def find_all(tx: Transaction, domain_ids: Iterable[str]) -> Mapping[str, DomainRow]:
    """Return the rows of these domains by id; ids without a domain are passed over."""
    rows = (tx.connection.execute(_ONE, {"domain": domain_id}).first() for domain_id in domain_ids)
    return {row.domain_id: row for row in rows if row is not None}


def active(tx: Transaction, domain_id: str) -> DomainRow:
    """Return the row of a domain that may be changed; raises ConflictException DOMAIN_NOT_ACTIVE otherwise."""
    row = find(tx, domain_id)
    if row.status != DomainStatus.ACTIVE:
        raise domain_not_active()
    return row


def add(tx: Transaction, domain_id: str, *, name: str, kms_key_id: str, description: str | None) -> None:
    """Insert an active domain with its default watchlist; quotas are the caller's business."""
    watchlist_id = ids.resource_id()
    tx.connection.execute(
        insert(domains),
        {
            "domain_id": domain_id,
            "name": name,
            "description": description,
            "status": DomainStatus.ACTIVE,
            "kms_key_id": kms_key_id,
            "default_watchlist_id": watchlist_id,
            "speaker_count": 0,
            "created_at": tx.now,
            "updated_at": tx.now,
        },
    )
    tx.connection.execute(
        insert(watchlists),
        {
            "watchlist_id": watchlist_id,
            "domain_id": domain_id,
            "name": DEFAULT_WATCHLIST_NAME,
            "created_at": tx.now,
            "updated_at": tx.now,
        },
    )
