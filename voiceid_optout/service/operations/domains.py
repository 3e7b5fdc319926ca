"""Domains: the containers that AWS calls Voice ID domains."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import delete, func, select, update

from voiceid_optout.service import ids
from voiceid_optout.service.db.schema import domains, speakers
from voiceid_optout.service.db.schema import tags as tags_table
from voiceid_optout.service.db.schema_batch import (
    fraudsters,
    job_outcomes,
    jobs,
    sessions,
    watchlist_members,
    watchlists,
)
from voiceid_optout.service.db.transaction import DomainStatus, Request, Result, Transaction
from voiceid_optout.service.errors import quota_exceeded
from voiceid_optout.service.operations import listing, tags
from voiceid_optout.service.operations.client_tokens import once
from voiceid_optout.service.operations.domain_rows import active, add, find

PAGE_SIZE = 10
GRACE_SECONDS = 30 * 24 * 3600


def create_domain(tx: Transaction, request: Request) -> Result:
    return once(tx, "CreateDomain", request, _create)


def _create(tx: Transaction, request: Request) -> Result:
    given = tags.as_mapping(request.get("Tags", []))
    in_use = tx.connection.scalar(select(func.count()).select_from(domains).where(domains.c.deleted_at.is_(None)))
    if int(in_use or 0) >= tx.tenant.limits.domains:
        raise quota_exceeded(
            f"The account has {in_use} domains, which is its quota; delete one before creating another."
        )
    domain_id = ids.resource_id()
    add(
        tx,
        domain_id,
        name=request["Name"],
        kms_key_id=request["ServerSideEncryptionConfiguration"]["KmsKeyId"],
        description=request.get("Description"),
    )
    tags.put(tx, domain_id, given)
    return {"Domain": _domain(tx, find(tx, domain_id)._asdict())}


def describe_domain(tx: Transaction, request: Request) -> Result:
    return {"Domain": _domain(tx, find(tx, request["DomainId"])._asdict())}


def list_domains(tx: Transaction, request: Request) -> Result:
    entries, more = listing.page(
        tx, "ListDomains", request, select(domains), domains, partial(_domain, tx), size=PAGE_SIZE
    )
    return {"DomainSummaries": entries, **more}


def update_domain(tx: Transaction, request: Request) -> Result:
    """Replace name, description and key together: a description left out is removed."""
    domain = active(tx, request["DomainId"])
    key = request["ServerSideEncryptionConfiguration"]["KmsKeyId"]
    changed_key = {"old_kms_key_id": domain.kms_key_id} if key != domain.kms_key_id else {}
    tx.connection.execute(
        update(domains)
        .where(domains.c.domain_id == domain.domain_id)
        .values(
            name=request["Name"],
            description=request.get("Description"),
            kms_key_id=key,
            updated_at=tx.now,
            **changed_key,
        )
    )
    return describe_domain(tx, request)


def delete_domain(tx: Transaction, request: Request) -> Result:
    """Suspend the domain; its data is erased after the grace period. Again on a suspended one: no change."""
    domain = find(tx, request["DomainId"])
    if domain.deleted_at is None:
        suspend(tx, domain.domain_id, deleted_at=tx.now)
    return {}


def suspend(tx: Transaction, domain_id: str, *, deleted_at: float | None = None) -> None:
    values = {"status": DomainStatus.SUSPENDED, "deleted_at": deleted_at, "updated_at": tx.now}
    tx.connection.execute(update(domains).where(domains.c.domain_id == domain_id).values(values))


def reactivate(tx: Transaction, domain_id: str) -> None:
    values = {"status": DomainStatus.ACTIVE, "deleted_at": None, "updated_at": tx.now}
    tx.connection.execute(update(domains).where(domains.c.domain_id == domain_id).values(values))


def erase_deleted(tx: Transaction) -> int:
    """Erase the domains whose grace period is over, with all their data; return how many."""
    over = select(domains.c.domain_id).where(domains.c.deleted_at < tx.now - GRACE_SECONDS)
    gone = tx.connection.scalars(over).all()
    its_jobs = select(jobs.c.job_id).where(jobs.c.domain_id.in_(gone))
    tx.connection.execute(delete(job_outcomes).where(job_outcomes.c.job_id.in_(its_jobs)))
    for table in (jobs, sessions, watchlist_members, fraudsters, watchlists, speakers, tags_table, domains):
        tx.connection.execute(delete(table).where(table.c.domain_id.in_(gone)))
    return len(gone)


def _domain(tx: Transaction, row: Mapping[str, Any]) -> Result:
    shown: Result = {
        "Arn": tx.tenant.domain_arn(row["domain_id"]),
        "CreatedAt": row["created_at"],
        "Description": row["description"],
        "DomainId": row["domain_id"],
        "DomainStatus": row["status"],
        "Name": row["name"],
        "ServerSideEncryptionConfiguration": {"KmsKeyId": row["kms_key_id"]},
        "UpdatedAt": row["updated_at"],
        "WatchlistDetails": {"DefaultWatchlistId": row["default_watchlist_id"]},
    }
    if row["old_kms_key_id"] is not None:
        # This service encrypts nothing with the key, so a change is complete at once.
        shown["ServerSideEncryptionUpdateDetails"] = {
            "OldKmsKeyId": row["old_kms_key_id"],
            "UpdateStatus": "COMPLETED",
        }
    return shown
