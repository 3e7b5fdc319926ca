"""Speakers: who is enrolled, who has opted out, and whose enrolment is over.

OptOutSpeaker, the operation the service exists for, comes in bulk: a batch of opt-outs costs two reads and two
writes however many it holds. Statements have one text whatever the number of people: each is parsed once.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from voiceid_optout.service import ids
from voiceid_optout.service.db.idempotency import remember
from voiceid_optout.service.db.schema import speakers
from voiceid_optout.service.db.transaction import (
    DomainStatus,
    Request,
    Result,
    SpeakerStatus,
    Statement,
    Transaction,
)
from voiceid_optout.service.errors import (
    ApiError,
    concurrent_changes,
    domain_not_active,
    not_found,
    quota_exceeded,
)
from voiceid_optout.service.events.outbox import Action, SpeakerEvent, record
from voiceid_optout.service.operations import domains, paging

_NAMES = tuple(speakers.c.keys())
_COLUMNS = ", ".join(_NAMES)
_FIND_TEXT = {
    "sqlite": "SELECT {columns} FROM speakers WHERE domain_id = :domain"
    " AND {id} IN (SELECT value FROM json_each(:names))",
    # Looked up name by name. Left to itself PostgreSQL reads the whole domain, until it has found out how large it
    # is.
    "postgresql": "SELECT {columns} FROM unnest(CAST(:names AS varchar[])) AS given (name) CROSS JOIN LATERAL"
    " (SELECT * FROM speakers WHERE domain_id = :domain AND {id} = given.name LIMIT 1) AS speaker",
}
_PEOPLE = {
    "sqlite": "SELECT json_extract(value, '$[0]') AS customer_id, json_extract(value, '$[1]') AS generated_id,"
    " json_extract(value, '$[2]') AS opted_out_by FROM json_each(:people)",
    "postgresql": "SELECT * FROM unnest(CAST(:names AS varchar[]), CAST(:generated AS varchar[]),"
    " CAST(:marks AS varchar[])) AS person (customer_id, generated_id, opted_out_by)",
}


_FIND = {
    column: Statement({dialect: text.format(columns=_COLUMNS, id=column) for dialect, text in _FIND_TEXT.items()})
    for column in ("customer_id", "generated_id")
}
_INSERT = Statement(
    {
        dialect: "INSERT INTO speakers "  # noqa: S608  texts of our own
        "(domain_id, customer_id, generated_id, status, created_at, updated_at, opted_out_by) "
        f"SELECT :domain, customer_id, generated_id, :status, :now, :now, opted_out_by FROM ({people}) AS people"
        for dialect, people in _PEOPLE.items()
    }
)
_PAGE = Statement(
    f"SELECT {_COLUMNS} FROM speakers WHERE domain_id = :domain AND sequence > :after "  # noqa: S608  texts of our own
    "ORDER BY sequence LIMIT :count"
)
_GROW = Statement("UPDATE domains SET speaker_count = speaker_count + :by WHERE domain_id = :domain")

GENERATED_PREFIX = "id#"
ENROLLMENT_SECONDS = 3 * 365.25 * 24 * 3600
EXPIRED_AT_ONCE = 500
"""Speakers expired in one transaction; who asks takes the next ones until there are none."""


def insert_speakers(
    connection: Connection,
    domain_id: str,
    people: Sequence[tuple[str, str, str | None]],
    status: str,
    now: float,
) -> None:
    """Insert new speakers, in this order: customer id, generated id, mark; their domain's count stays."""
    common = {"domain": domain_id, "status": str(status), "now": now}
    if connection.dialect.name == "sqlite":
        _INSERT.run(connection, **common, people=json.dumps(people))
    else:
        names, generated, marks = map(list, zip(*people, strict=True))
        _INSERT.run(connection, **common, names=names, generated=generated, marks=marks)


def grow(connection: Connection, domain_id: str, by: int) -> None:
    """Keep the domain's count of speakers in step with its rows."""
    _GROW.run(connection, domain=domain_id, by=by)


def describe_speakers(tx: Transaction, requests: Sequence[Request]) -> list[Result | ApiError]:
    """Describe speakers by either id, with one query for each domain among the requests."""
    wanted: dict[str, list[str]] = {}
    for request in requests:
        wanted.setdefault(request["DomainId"], []).append(request["SpeakerId"])
    rows = {domain_id: by_id(find_all(tx.connection, domain_id, names)) for domain_id, names in wanted.items()}
    answers: list[Result | ApiError] = []
    for request in requests:
        row = rows[request["DomainId"]].get(request["SpeakerId"])
        if row is not None:
            answers.append({"Speaker": shown(row)})
        else:
            answers.append(not_found("SPEAKER" if domains.find_all(tx, [request["DomainId"]]) else "DOMAIN"))
    return answers


def list_speakers(tx: Transaction, request: Request) -> Result:
    """List every speaker of a domain, whatever the status, in the order of creation."""
    domain = domains.find(tx, request["DomainId"])

    def fetch(after: int, count: int) -> list[dict[str, Any]]:
        rows = _PAGE.run(tx.connection, domain=domain.domain_id, after=after, count=count)
        return [dict(zip(_NAMES, row, strict=True)) for row in rows]

    entries, more = paging.fetched(tx, "ListSpeakers", request, fetch, shown)
    return {"SpeakerSummaries": entries, **more}


def delete_speaker(tx: Transaction, request: Request) -> Result:
    """Remove the speaker and with it the memory of an opt-out."""
    domain = domains.active(tx, request["DomainId"])
    row = find(tx, domain.domain_id, request["SpeakerId"])
    remove(tx, row)
    record(tx, [SpeakerEvent(Action.DELETE, domain.domain_id, row.generated_id)])
    return {}


def remove(tx: Transaction, row: Row[Any]) -> None:
    """Delete the speaker's row, and know the request that opted the person out as used all the same."""
    if row.opted_out_by is not None:
        remember(tx, {row.opted_out_by: None})
    tx.connection.execute(delete(speakers).where(speakers.c.sequence == row.sequence))
    grow(tx.connection, row.domain_id, -1)


def find(tx: Transaction, domain_id: str, speaker_id: str) -> Row[Any]:
    """Return a speaker's row by either id; raises ResourceNotFoundException."""
    column = speakers.c.generated_id if speaker_id.startswith(GENERATED_PREFIX) else speakers.c.customer_id
    query = select(speakers).where(speakers.c.domain_id == domain_id, column == speaker_id)
    row = tx.connection.execute(query).first()
    if row is None:
        raise not_found("SPEAKER")
    return row


def find_all(connection: Connection, domain_id: str, speaker_ids: Collection[str]) -> list[dict[str, Any]]:
    """Return the rows of all speakers named by either id; names without a speaker are passed over."""
    generated = [name for name in speaker_ids if name.startswith(GENERATED_PREFIX)]
    chosen = [name for name in speaker_ids if not name.startswith(GENERATED_PREFIX)] if generated else speaker_ids
    rows: list[dict[str, Any]] = []
    for column, named in (("customer_id", list(chosen)), ("generated_id", generated)):
        if named:
            names: Any = json.dumps(named) if connection.dialect.name == "sqlite" else named
            rows += [row._asdict() for row in _FIND[column].run(connection, domain=domain_id, names=names)]
    return rows


def by_id(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return rows under both their ids, which cannot collide: only a generated one holds a ``#``."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        found[row["customer_id"]] = found[row["generated_id"]] = row
    return found


def shown(row: Mapping[str, Any]) -> Result:
    """Return a row as the model's Speaker."""
    return {
        "CreatedAt": row["created_at"],
        "CustomerSpeakerId": row["customer_id"],
        "DomainId": row["domain_id"],
        "GeneratedSpeakerId": row["generated_id"],
        "LastAccessedAt": row["last_accessed_at"],
        "Status": row["status"],
        "UpdatedAt": row["updated_at"],
    }


def new_row(tx: Transaction, domain_id: str, customer_id: str, status: SpeakerStatus) -> dict[str, Any]:
    """Return the row of a new speaker, created now, under a new generated id."""
    return {
        "domain_id": domain_id,
        "customer_id": customer_id,
        "generated_id": ids.speaker_id(),
        "status": status,
        "created_at": tx.now,
        "updated_at": tx.now,
        "last_accessed_at": None,
        "opted_out_by": None,
    }


def is_over(last_accessed_at: float | None, now: float) -> bool:
    """Tell whether an enrolment that was last used then has expired by now."""
    return last_accessed_at is not None and last_accessed_at < now - ENROLLMENT_SECONDS


def expire_speakers(tx: Transaction, _request: Request) -> Result:
    """Mark the next enrolments that are over; Expired tells how many there were."""
    over = (
        select(speakers.c.sequence)
        .where(
            speakers.c.status == SpeakerStatus.ENROLLED, speakers.c.last_accessed_at < tx.now - ENROLLMENT_SECONDS
        )
        .limit(EXPIRED_AT_ONCE)
    )
    values = {"status": SpeakerStatus.EXPIRED, "updated_at": tx.now}
    done = tx.connection.execute(update(speakers).where(speakers.c.sequence.in_(over)).values(values))
    return {"Expired": done.rowcount}


_MARK = (
    update(speakers)
    .where(speakers.c.sequence == bindparam("row"))
    .values(status=bindparam("to"), updated_at=bindparam("at"), opted_out_by=bindparam("by"))
)


def opt_out_speakers(tx: Transaction, requests: Sequence[Request]) -> list[Result | ApiError]:
    """Opt speakers out, in order: unknown customer ids are created, known speakers overridden.

    A speaker that is opted out already stays as it is, its time of update included. A request may have a ``Mark``;
    one that is ``Repeated`` changes nothing.
    """
    by_domain: dict[str, list[int]] = {}
    for index, request in enumerate(requests):
        by_domain.setdefault(request["DomainId"], []).append(index)
    known = domains.find_all(tx, by_domain)
    outcomes: list[Result | ApiError] = [not_found("DOMAIN")] * len(requests)
    for domain_id, places in by_domain.items():
        if domain_id in known:
            answers = _in_domain(tx, known[domain_id], [requests[place] for place in places])
            for place, answer in zip(places, answers, strict=True):
                outcomes[place] = answer
    return outcomes


def _in_domain(tx: Transaction, domain: domains.DomainRow, requests: Sequence[Request]) -> list[Result | ApiError]:
    """Decide for each request against the rows of the start and the requests before, then write all changes."""
    names = [request["SpeakerId"] for request in requests]
    rows = by_id(find_all(tx.connection, domain.domain_id, names))
    active = domain.status == DomainStatus.ACTIVE
    room = tx.tenant.limits.speakers_per_domain - domain.speaker_count
    created: list[tuple[str, str, str | None]] = []
    changed: list[Mapping[str, Any]] = []
    idle: dict[str, str | None] = {}
    answers: list[Result | ApiError] = []
    done: list[str] = []
    for request, name in zip(requests, names, strict=True):
        row, mark = rows.get(name), request.get("Mark")
        if mark is not None and (request["Repeated"] or mark in idle or (row and row["opted_out_by"] == mark)):
            answers.append(_again(row))
            continue
        if (refusal := _refusal(name, row, active=active, room=room - len(created))) is not None:
            answers.append(refusal)
            continue
        if row is None:
            row = new_row(tx, domain.domain_id, name, SpeakerStatus.OPTED_OUT) | {"opted_out_by": mark}
            created.append((name, row["generated_id"], mark))
            rows[name] = rows[row["generated_id"]] = row
        elif row["status"] != SpeakerStatus.OPTED_OUT:
            row |= {"status": SpeakerStatus.OPTED_OUT, "updated_at": tx.now, "opted_out_by": mark}
            changed.append({"row": row["sequence"], "to": SpeakerStatus.OPTED_OUT, "at": tx.now, "by": mark})
        elif mark is not None:
            idle[mark] = None
        answers.append({"Speaker": shown(row)})
        done.append(row["generated_id"])
    if created:
        insert_speakers(tx.connection, domain.domain_id, created, SpeakerStatus.OPTED_OUT, tx.now)
        grow(tx.connection, domain.domain_id, len(created))
    if changed:
        tx.connection.execute(_MARK, changed)
    remember(tx, idle)
    if tx.tenant.sinks:
        record(tx, [SpeakerEvent(Action.OPT_OUT, domain.domain_id, generated) for generated in done])
    return answers


def _refusal(name: str, row: Mapping[str, Any] | None, *, active: bool, room: int) -> ApiError | None:
    """Return why nobody can be opted out under this name, if that is so."""
    if not active:
        return domain_not_active()
    if row is not None:
        return None
    if name.startswith(GENERATED_PREFIX):
        return not_found("SPEAKER")
    if room <= 0:
        return quota_exceeded("The domain holds as many speakers as its quota allows, opted-out ones included.")
    return None


def _again(row: Mapping[str, Any] | None) -> Result | ApiError:
    """Return the answer to a request that opted the person out before.

    The answer shows the person as opted out. Of one who was released since, that would be untrue, and to opt out
    again would undo the release: the caller is to sign anew.
    """
    opted_out = row is not None and row["status"] == SpeakerStatus.OPTED_OUT
    return {"Speaker": shown(row)} if row is not None and opted_out else concurrent_changes()
