"""Domains, which AWS calls Voice ID domains, and their tags: every other operation looks its domain up here."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Table, delete, func, insert, select, tuple_, update

from voiceid_optout.service import ids
from voiceid_optout.service.db.idempotency import once
from voiceid_optout.service.db.schema import (
    domains,
    fraudsters,
    job_outcomes,
    jobs,
    sessions,
    speakers,
    tags,
    watchlist_members,
    watchlists,
)
from voiceid_optout.service.db.transaction import DomainStatus, Request, Result, Statement, Transaction
from voiceid_optout.service.errors import domain_not_active, invalid, not_found, quota_exceeded
from voiceid_optout.service.operations import paging

DomainRow = Any
"""A named tuple of the table's columns."""

DEFAULT_WATCHLIST_NAME = "DefaultWatchlist"

# Every batch of opt-outs starts with it.
_ONE = Statement(f"SELECT {', '.join(domains.c.keys())} FROM domains WHERE domain_id = :domain")  # noqa: S608


PAGE_SIZE = 10
GRACE_SECONDS = 30 * 24 * 3600
ERASED_AT_ONCE = 500
"""Rows of a deleted domain erased in one transaction, for which everybody else waits."""
_RESERVED = "aws:"


def find(tx: Transaction, domain_id: str) -> DomainRow:
    """Return the domain's row, active or not; raises ResourceNotFoundException."""
    rows = _ONE.run(tx.connection, domain=domain_id)
    if not rows:
        raise not_found("DOMAIN")
    return rows[0]


def find_all(tx: Transaction, domain_ids: Iterable[str]) -> Mapping[str, DomainRow]:
    """Return the rows of these domains by id; ids without a domain are passed over."""
    return {row.domain_id: row for domain_id in domain_ids for row in _ONE.run(tx.connection, domain=domain_id)}


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


def create_domain(tx: Transaction, request: Request) -> Result:
    return once(tx, "CreateDomain", request, _create)


def _create(tx: Transaction, request: Request) -> Result:
    given = as_mapping(request.get("Tags", []))
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
    put(tx, domain_id, given)
    return {"Domain": _domain(tx, find(tx, domain_id)._asdict())}


def describe_domain(tx: Transaction, request: Request) -> Result:
    return {"Domain": _domain(tx, find(tx, request["DomainId"])._asdict())}


def list_domains(tx: Transaction, request: Request) -> Result:
    entries, more = paging.page(
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
        set_status(tx, domain.domain_id, DomainStatus.SUSPENDED, deleted_at=tx.now)
    return {}


def set_status(tx: Transaction, domain_id: str, status: DomainStatus, deleted_at: float | None = None) -> None:
    values = {"status": status, "deleted_at": deleted_at, "updated_at": tx.now}
    tx.connection.execute(update(domains).where(domains.c.domain_id == domain_id).values(values))


def erase_deleted(tx: Transaction, _request: Request) -> Result:
    """Erase the next rows of a domain whose grace period is over, itself last; Erased tells how many there were."""
    over = select(domains.c.domain_id).where(domains.c.deleted_at < tx.now - GRACE_SECONDS).limit(1)
    domain_id = tx.connection.scalar(over)
    if domain_id is None:
        return {"Erased": 0}
    left = ERASED_AT_ONCE
    for table in (job_outcomes, jobs, sessions, watchlist_members, fraudsters, watchlists, speakers, tags, domains):
        erased = _erase(tx, table, domain_id, left)
        if table is speakers and erased:
            shrunk = {"speaker_count": domains.c.speaker_count - erased}
            tx.connection.execute(update(domains).where(domains.c.domain_id == domain_id).values(shrunk))
        left -= erased
        if not left:
            break
    return {"Erased": ERASED_AT_ONCE - left}


def _erase(tx: Transaction, table: Table, domain_id: str, most: int) -> int:
    its_jobs = select(jobs.c.job_id).where(jobs.c.domain_id == domain_id)
    mine = job_outcomes.c.job_id.in_(its_jobs) if table is job_outcomes else table.c.domain_id == domain_id
    key = tuple_(*table.primary_key)
    some = select(*table.primary_key).where(mine).limit(most)
    return tx.connection.execute(delete(table).where(key.in_(some))).rowcount


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


def tag_resource(tx: Transaction, request: Request) -> Result:
    domain = active(tx, _domain_id(tx, request["ResourceArn"]))
    given = as_mapping(request["Tags"])
    kept = set(tx.connection.scalars(select(tags.c.key).where(tags.c.domain_id == domain.domain_id)))
    limit = tx.tenant.limits.tags_per_domain
    if len(kept | given.keys()) > limit:
        raise invalid(f"A resource can have {limit} tags; this request would exceed that.")
    put(tx, domain.domain_id, given)
    return {}


def untag_resource(tx: Transaction, request: Request) -> Result:
    """Remove tags by key; a key that is not there is no error."""
    domain = active(tx, _domain_id(tx, request["ResourceArn"]))
    _refuse_reserved(request["TagKeys"])
    _drop(tx, domain.domain_id, request["TagKeys"])
    return {}


def list_tags_for_resource(tx: Transaction, request: Request) -> Result:
    domain = find(tx, _domain_id(tx, request["ResourceArn"]))
    query = select(tags.c.key, tags.c.value).where(tags.c.domain_id == domain.domain_id).order_by(tags.c.key)
    return {"Tags": [{"Key": row.key, "Value": row.value} for row in tx.connection.execute(query)]}


def as_mapping(given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags by key; raises ValidationException if a key comes twice or is not the customer's to set."""
    _refuse_reserved([tag["Key"] for tag in given])
    by_key = {tag["Key"]: tag["Value"] for tag in given}
    if len(by_key) != len(given):
        raise invalid("Tags hold the same key more than once.")
    return by_key


def put(tx: Transaction, domain_id: str, given: Mapping[str, str]) -> None:
    """Set the given tags, overwriting those of the same key."""
    if given:
        _drop(tx, domain_id, list(given))
        rows = [{"domain_id": domain_id, "key": key, "value": value} for key, value in given.items()]
        tx.connection.execute(insert(tags), rows)


def _drop(tx: Transaction, domain_id: str, keys: Sequence[str]) -> None:
    tx.connection.execute(delete(tags).where(tags.c.domain_id == domain_id, tags.c.key.in_(keys)))


def _refuse_reserved(keys: Sequence[str]) -> None:
    if any(key.lower().startswith(_RESERVED) for key in keys):
        raise invalid("Tag keys that begin with aws: are AWS's own: nobody else can set or remove them.")


def _domain_id(tx: Transaction, arn: str) -> str:
    domain_id = arn.rpartition("/")[2]
    if arn != tx.tenant.domain_arn(domain_id):
        raise not_found("DOMAIN")
    return domain_id
