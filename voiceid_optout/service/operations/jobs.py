"""Batch jobs as callers see them: enrolments of speakers and registrations of fraudsters."""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import insert, select

from voiceid_optout.service import ids
from voiceid_optout.service.db.idempotency import once
from voiceid_optout.service.db.schema import jobs as table
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.errors import invalid, not_found, quota_exceeded
from voiceid_optout.service.operations import domains, paging, watchlists


class JobKind(StrEnum):
    ENROLLMENT = "ENROLLMENT"
    REGISTRATION = "REGISTRATION"


class JobStatus(StrEnum):
    SUBMITTED = "SUBMITTED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"


ACTIVE = (JobStatus.SUBMITTED, JobStatus.IN_PROGRESS)

_KEPT = (
    "DataAccessRoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "JobName",
    "EnrollmentConfig",
    "RegistrationConfig",
)


def named_watchlists(request: Mapping[str, Any]) -> list[str]:
    """Return the watchlists that a job's configuration names."""
    registration = request.get("RegistrationConfig", {})
    detection = request.get("EnrollmentConfig", {}).get("FraudDetectionConfig", {})
    return [*registration.get("WatchlistIds", []), *detection.get("WatchlistIds", [])]


def start(kind: JobKind, operation: str, tx: Transaction, request: Request) -> Result:
    return once(tx, operation, request, partial(_start, kind))


def _start(kind: JobKind, tx: Transaction, request: Request) -> Result:
    domain = domains.active(tx, request["DomainId"])
    for watchlist_id in named_watchlists(request):
        watchlists.find(tx, domain.domain_id, watchlist_id)
    if not _is_object(request["InputDataConfig"]["S3Uri"]):
        raise invalid("InputDataConfig must name an object: s3://bucket/key.")
    active = select(table.c.sequence).where(
        table.c.domain_id == domain.domain_id, table.c.kind == kind, table.c.status.in_(ACTIVE)
    )
    if tx.connection.execute(active).first() is not None:
        raise quota_exceeded("A domain can have one active job of this kind; wait until it has ended.")
    row = {
        "job_id": ids.resource_id(),
        "domain_id": domain.domain_id,
        "kind": kind,
        "status": JobStatus.SUBMITTED,
        "request": json.dumps({name: request[name] for name in _KEPT if name in request}),
        "created_at": tx.now,
        "done": 0,
    }
    tx.connection.execute(insert(table), row)
    return {"Job": _shown({**dict.fromkeys(table.c.keys()), **row})}


def _is_object(uri: str) -> bool:
    """Tell whether the name is one of an object, not of a bucket or a folder."""
    _, _, key = uri.removeprefix("s3://").partition("/")
    return bool(key) and not key.endswith("/")


def describe(kind: JobKind, tx: Transaction, request: Request) -> Result:
    domain = domains.find(tx, request["DomainId"])
    query = select(table).where(
        table.c.job_id == request["JobId"], table.c.domain_id == domain.domain_id, table.c.kind == kind
    )
    row = tx.connection.execute(query).first()
    if row is None:
        raise not_found("BATCH_JOB")
    return {"Job": _shown(row._asdict())}


def list_(kind: JobKind, operation: str, tx: Transaction, request: Request) -> Result:
    domain = domains.find(tx, request["DomainId"])
    query = select(table).where(table.c.domain_id == domain.domain_id, table.c.kind == kind)
    if "JobStatus" in request:
        query = query.where(table.c.status == request["JobStatus"])
    entries, more = paging.page(tx, operation, request, query, table, _shown)
    return {"JobSummaries": entries, **more}


def _shown(row: Mapping[str, Any]) -> Result:
    """Return a row as the model's job; a summary is cut from it by the output shape."""
    shown: Result = {
        **json.loads(row["request"]),
        "CreatedAt": row["created_at"],
        "DomainId": row["domain_id"],
        "EndedAt": row["ended_at"],
        "JobId": row["job_id"],
        "JobProgress": {"PercentComplete": _percent(row)},
        "JobStatus": row["status"],
    }
    if row["failure_message"] is not None:
        shown["FailureDetails"] = {"Message": row["failure_message"], "StatusCode": row["failure_code"]}
    return shown


def _percent(row: Mapping[str, Any]) -> int:
    if row["status"] in (JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS):
        return 100
    # Decided is not written: all requests done is 99 until the output file lies where it belongs.
    return min(99, 100 * int(row["done"]) // int(row["total"])) if row["total"] else 0
