"""The steps of a batch job in the database. Each is one operation; a job is run by whoever holds its lease.

Every step names the job's domain, so that it has the domain to itself as every write has. It looks at the lease in
the same transaction that writes its effects, so a process that lost its lease, because it hung or its clock ran
away, can do nothing any more: every request of a job takes effect once.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, or_, select, update

from voiceid_optout.service.db.schema_batch import job_outcomes as outcomes
from voiceid_optout.service.db.schema_batch import jobs as table
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.events.outbox import record
from voiceid_optout.service.events.speaker_event import Action, Enrollment, Failure, SpeakerEvent, Status
from voiceid_optout.service.operations import domain_rows, fraudsters, watchlists
from voiceid_optout.service.operations.enrollments import CONFLICT_CODE, CONFLICT_TEXT, Decided, Decision, enroll
from voiceid_optout.service.operations.jobs import ACTIVE, JobKind, JobStatus, named_watchlists

REGISTERED = "NEW_REGISTRATION"
FRAUDSTER_LIMIT = "FRAUDSTER_LIMIT"
LOOK = 10
EVENT_SOURCE = "BATCH"
LOST: Result = {"Held": False}
HELD: Result = {"Held": True}


def waiting_jobs(tx: Transaction, _request: Request) -> Result:
    """Return the jobs that nobody runs, the oldest first; a read, so that looking costs the writer nothing."""
    rows = tx.connection.execute(select(table).where(*_claimable(tx)).order_by(table.c.sequence).limit(LOOK))
    return {"Waiting": [{"JobId": row.job_id, "DomainId": row.domain_id} for row in rows]}


def claim_job(tx: Transaction, request: Request) -> Result:
    """Take a job that nobody runs: new, or left behind by a process that ended."""
    query = select(table).where(table.c.job_id == request["JobId"], *_claimable(tx))
    found = tx.connection.execute(query).first()
    if found is None:
        return {"Job": None}
    _set(tx, found, status=JobStatus.IN_PROGRESS, owner=request["Owner"], lease_until=tx.now + request["Seconds"])
    return {
        "Job": {
            "Kind": found.kind,
            "Request": json.loads(found.request),
            "Done": found.done,
        }
    }


def renew_lease(tx: Transaction, request: Request) -> Result:
    """Keep the job for some more seconds."""
    row = _held(tx, request)
    if row is None:
        return LOST
    _set(tx, row, lease_until=tx.now + request["Seconds"])
    return HELD


def release_job(tx: Transaction, request: Request) -> Result:
    """Give the job back, so that the next process takes it up at once."""
    row = _held(tx, request)
    if row is None:
        return LOST
    _set(tx, row, owner=None, lease_until=None)
    return HELD


def begin_job(tx: Transaction, request: Request) -> Result:
    """Note the manifest's size and digest; Same is false if a part was done with another content."""
    row = _held(tx, request)
    if row is None:
        return LOST
    if row.manifest_digest is not None:
        return {**HELD, "Same": row.manifest_digest == request["Digest"]}
    _set(tx, row, manifest_digest=request["Digest"], total=request["Total"])
    return {**HELD, "Same": True}


def apply_requests(tx: Transaction, request: Request) -> Result:
    """Decide the next requests of a job: those in Places, whose Names are customer ids in an enrolment.

    Done is how far the job is afterwards; places without a request to decide were faulty in the manifest. Raises
    ApiError, with nothing changed, if the domain or the watchlist is not there any more.
    """
    row = _held(tx, request)
    if row is None:
        return LOST
    if row.done >= request["Done"]:
        return HELD  # a commit whose outcome was unknown had happened
    places: Sequence[int] = request["Places"]
    if row.kind == JobKind.ENROLLMENT:
        decided = _enroll(tx, row, request["Names"])
    else:
        decided = _register(tx, row, len(places))
    rows = [
        {"job_id": row.job_id, "position": place, "outcome": outcome, "generated_id": generated_id}
        for place, (outcome, generated_id) in zip(places, decided, strict=True)
    ]
    if rows:
        tx.connection.execute(insert(outcomes), rows)
    _set(tx, row, done=request["Done"], lease_until=tx.now + request["Seconds"])
    return HELD


def read_outcomes(tx: Transaction, request: Request) -> Result:
    """Return what was decided, by place in the manifest."""
    query = select(outcomes).where(outcomes.c.job_id == request["JobId"])
    return {"Outcomes": {row.position: (row.outcome, row.generated_id) for row in tx.connection.execute(query)}}


def finish_job(tx: Transaction, request: Request) -> Result:
    """End a job: completed, or failed with a Message and a Code."""
    row = _held(tx, request)
    if row is None:
        return LOST
    tx.connection.execute(delete(outcomes).where(outcomes.c.job_id == row.job_id))
    _set(
        tx,
        row,
        status=request["Status"],
        failure_message=request.get("Message"),
        failure_code=request.get("Code"),
        ended_at=tx.now,
        owner=None,
        lease_until=None,
    )
    return HELD


def _enroll(tx: Transaction, row: Row[Any], names: Sequence[str]) -> Sequence[tuple[str, str | None]]:
    domain = domain_rows.active(tx, row.domain_id)
    config = json.loads(row.request).get("EnrollmentConfig", {})
    decided = enroll(tx, domain, names, overwrite=config.get("ExistingEnrollmentAction") == "OVERWRITE")
    if tx.tenant.sinks:
        record(tx, list(_events(row, decided)))
    return decided


def _events(row: Row[Any], decided: Sequence[Decided]) -> Iterator[SpeakerEvent]:
    """Tell of everybody who was enrolled or refused; who was skipped stays as before, which is no event."""
    for decision, generated_id in decided:
        if generated_id is None or decision is Decision.DUPLICATE_SKIPPED:
            continue
        refused = decision is Decision.OPTED_OUT
        yield SpeakerEvent(
            Action.ENROLL,
            row.domain_id,
            generated_id,
            Status.FAILURE if refused else Status.SUCCESS,
            Enrollment(EVENT_SOURCE, row.job_id, "OPTED_OUT" if refused else decision),
            Failure("ConflictException", CONFLICT_TEXT, CONFLICT_CODE) if refused else None,
        )


def _register(tx: Transaction, row: Row[Any], count: int) -> Sequence[tuple[str, str | None]]:
    domain = domain_rows.active(tx, row.domain_id)
    named = named_watchlists(json.loads(row.request)) or [domain.default_watchlist_id]
    watchlist = watchlists.find(tx, domain.domain_id, named[0])
    added = fraudsters.register(tx, domain.domain_id, watchlist.watchlist_id, count)
    return [*((REGISTERED, name) for name in added), *[(FRAUDSTER_LIMIT, None)] * (count - len(added))]


def _claimable(tx: Transaction) -> Sequence[ColumnElement[bool]]:
    return table.c.status.in_(ACTIVE), or_(table.c.owner.is_(None), table.c.lease_until < tx.now)


def _held(tx: Transaction, request: Request) -> Row[Any] | None:
    """Return the job's row if the caller still holds its lease."""
    query = select(table).where(table.c.job_id == request["JobId"], table.c.owner == request["Owner"])
    return tx.connection.execute(query).first()


def _set(tx: Transaction, row: Row[Any], **values: object) -> None:
    tx.connection.execute(update(table).where(table.c.sequence == row.sequence).values(**values))
