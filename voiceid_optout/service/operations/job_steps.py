"""The steps of a batch job in the database. Each is one operation; a job is run by whoever holds its lease.

Every step names the job's domain, so that it has the domain to itself as every write has. It looks at the lease in
the same transaction that writes its effects, so a process that lost its lease, because it hung or its clock ran
away, can do nothing any more: every request of a job takes effect once.

A job enrols people, and an opt-out always wins over that. Writers of one domain come one after the other, so an
opt-out is either seen here and left alone, or it comes later and overrides the enrolment.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import wraps
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, delete, insert, or_, select, update

from voiceid_optout.service.db.schema import job_outcomes as outcomes
from voiceid_optout.service.db.schema import jobs as table
from voiceid_optout.service.db.schema import speakers
from voiceid_optout.service.db.transaction import Request, Result, SpeakerStatus, Transaction
from voiceid_optout.service.events.outbox import Action, SpeakerEvent, Status, record
from voiceid_optout.service.operations import domains, watchlists
from voiceid_optout.service.operations import speakers as speakers_of
from voiceid_optout.service.operations.domains import DomainRow
from voiceid_optout.service.operations.jobs import ACTIVE, JobKind, JobStatus, named_watchlists
from voiceid_optout.service.operations.speakers import grow, new_row

CONFLICT_CODE = 409
CONFLICT_TEXT = "Conflicting action: You cannot request an enrollment for an opted out speaker."
_REFUSED = {"errorMessage": CONFLICT_TEXT, "errorType": "ConflictException", "errorCode": CONFLICT_CODE}


_ENROLL = (
    update(speakers)
    .where(speakers.c.sequence == bindparam("row"))
    .values(status=SpeakerStatus.ENROLLED, updated_at=bindparam("at"), last_accessed_at=bindparam("at"))
)
REGISTERED = "NEW_REGISTRATION"
FRAUDSTER_LIMIT = "FRAUDSTER_LIMIT"
LOOK = 10
EVENT_SOURCE = "BATCH"
HELD: Result = {"Held": True}


class Decision(StrEnum):
    """What became of one request; the first three are the output file's words."""

    NEW_ENROLLMENT = "NEW_ENROLLMENT"
    DUPLICATE_SKIPPED = "DUPLICATE_SKIPPED"
    ENROLLMENT_OVERWRITE = "ENROLLMENT_OVERWRITE"
    OPTED_OUT = "OPTED_OUT"
    SPEAKER_LIMIT = "SPEAKER_LIMIT"


Decided = tuple[Decision, str | None]
"""A decision, and the GeneratedSpeakerId of the speaker, if there is one."""


def enroll(tx: Transaction, domain: DomainRow, names: Sequence[str], *, overwrite: bool) -> list[Decided]:
    """Enrol people by customer id, in order; a name that comes twice is decided twice."""
    rows: dict[str, Mapping[str, Any]] = {
        row["customer_id"]: row for row in speakers_of.find_all(tx.connection, domain.domain_id, list(set(names)))
    }
    room = tx.tenant.limits.speakers_per_domain - domain.speaker_count
    created: list[Mapping[str, Any]] = []
    changed: list[Mapping[str, Any]] = []
    decided: list[Decided] = []
    for name in names:
        row = rows.get(name)
        if row is None and len(created) >= room:
            decided.append((Decision.SPEAKER_LIMIT, None))
            continue
        if row is None:
            row = new_row(tx, domain.domain_id, name, SpeakerStatus.ENROLLED) | {"last_accessed_at": tx.now}
            created.append(row)
            decision = Decision.NEW_ENROLLMENT
        else:
            decision = _decide(row, overwrite=overwrite)
            if decision in (Decision.NEW_ENROLLMENT, Decision.ENROLLMENT_OVERWRITE) and "sequence" in row:
                changed.append({"row": row["sequence"], "at": tx.now})
        rows[name] = row if decision is Decision.OPTED_OUT else {**row, "status": SpeakerStatus.ENROLLED}
        decided.append((decision, row["generated_id"]))
    if created:
        tx.connection.execute(insert(speakers), created)
        grow(tx.connection, domain.domain_id, len(created))
    if changed:
        tx.connection.execute(_ENROLL, changed)
    return decided


def _decide(row: Mapping[str, Any], *, overwrite: bool) -> Decision:
    if row["status"] == SpeakerStatus.OPTED_OUT:
        return Decision.OPTED_OUT
    if row["status"] != SpeakerStatus.ENROLLED:
        return Decision.NEW_ENROLLMENT  # an expired voiceprint, or one that never came to be, is no enrolment
    return Decision.ENROLLMENT_OVERWRITE if overwrite else Decision.DUPLICATE_SKIPPED


def _leased(step: Callable[[Transaction, Request, Row[Any]], Result]) -> Callable[[Transaction, Request], Result]:
    """Give the step the job's row, if the caller still holds its lease; otherwise nothing happens."""

    @wraps(step)
    def run(tx: Transaction, request: Request) -> Result:
        query = select(table).where(table.c.job_id == request["JobId"], table.c.owner == request["Owner"])
        row = tx.connection.execute(query).first()
        return {"Held": False} if row is None else step(tx, request, row)

    return run


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


@_leased
def renew_lease(tx: Transaction, request: Request, row: Row[Any]) -> Result:
    """Keep the job for some more seconds."""
    _set(tx, row, lease_until=tx.now + request["Seconds"])
    return HELD


@_leased
def release_job(tx: Transaction, _request: Request, row: Row[Any]) -> Result:
    """Give the job back, so that the next process takes it up at once."""
    _set(tx, row, owner=None, lease_until=None)
    return HELD


@_leased
def begin_job(tx: Transaction, request: Request, row: Row[Any]) -> Result:
    """Note the manifest's size and digest; Same is false if a part was done with another content."""
    if row.manifest_digest is not None:
        return {**HELD, "Same": row.manifest_digest == request["Digest"]}
    _set(tx, row, manifest_digest=request["Digest"], total=request["Total"])
    return {**HELD, "Same": True}


@_leased
def apply_requests(tx: Transaction, request: Request, row: Row[Any]) -> Result:
    """Decide the next requests of a job: those in Places, whose Names are customer ids in an enrolment.

    Done is how far the job is afterwards; places without a request to decide were faulty in the manifest. Raises
    ApiError, with nothing changed, if the domain or the watchlist is not there any more.
    """
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


@_leased
def finish_job(tx: Transaction, request: Request, row: Row[Any]) -> Result:
    """End a job: completed, or failed with a Message and a Code."""
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
    domain = domains.active(tx, row.domain_id)
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
            {
                "enrollmentSource": EVENT_SOURCE,
                "enrollmentSourceId": row.job_id,
                "enrollmentStatus": "OPTED_OUT" if refused else decision,
            },
            _REFUSED if refused else None,
        )


def _register(tx: Transaction, row: Row[Any], count: int) -> Sequence[tuple[str, str | None]]:
    domain = domains.active(tx, row.domain_id)
    named = named_watchlists(json.loads(row.request)) or [domain.default_watchlist_id]
    watchlist = watchlists.find(tx, domain.domain_id, named[0])
    added = watchlists.register(tx, domain.domain_id, watchlist.watchlist_id, count)
    return [*((REGISTERED, name) for name in added), *[(FRAUDSTER_LIMIT, None)] * (count - len(added))]


def _claimable(tx: Transaction) -> Sequence[ColumnElement[bool]]:
    return table.c.status.in_(ACTIVE), or_(table.c.owner.is_(None), table.c.lease_until < tx.now)


def _set(tx: Transaction, row: Row[Any], **values: object) -> None:
    tx.connection.execute(update(table).where(table.c.sequence == row.sequence).values(**values))
