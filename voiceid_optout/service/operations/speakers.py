"""Speakers: who is enrolled, and who has opted out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, select

from voiceid_optout.service.db.schema import speakers
from voiceid_optout.service.db.transaction import Request, Result, Transaction
from voiceid_optout.service.db.used_requests import remember
from voiceid_optout.service.errors import ApiError, domain_not_found, speaker_not_found
from voiceid_optout.service.events.outbox import record
from voiceid_optout.service.events.speaker_event import Action, SpeakerEvent
from voiceid_optout.service.operations import bulk, domain_rows, listing

GENERATED_PREFIX = "id#"


def describe_speakers(tx: Transaction, requests: Sequence[Request]) -> list[Result | ApiError]:
    """Describe speakers by either id, with one query for each domain among the requests."""
    wanted: dict[str, list[str]] = {}
    for request in requests:
        wanted.setdefault(request["DomainId"], []).append(request["SpeakerId"])
    rows = {domain_id: by_id(find_all(tx, domain_id, names)) for domain_id, names in wanted.items()}
    answers: list[Result | ApiError] = []
    for request in requests:
        row = rows[request["DomainId"]].get(request["SpeakerId"])
        answers.append({"Speaker": shown(row)} if row else _missing(tx, request["DomainId"]))
    return answers


def _missing(tx: Transaction, domain_id: str) -> ApiError:
    return speaker_not_found() if domain_rows.find_all(tx, [domain_id]) else domain_not_found()


def list_speakers(tx: Transaction, request: Request) -> Result:
    """List every speaker of a domain, whatever the status, in the order of creation."""
    domain = domain_rows.find(tx, request["DomainId"])
    query = select(speakers).where(speakers.c.domain_id == domain.domain_id)
    entries, more = listing.page(tx, "ListSpeakers", request, query, speakers, shown)
    return {"SpeakerSummaries": entries, **more}


def delete_speaker(tx: Transaction, request: Request) -> Result:
    """Remove the speaker and with it the memory of an opt-out."""
    domain = domain_rows.active(tx, request["DomainId"])
    row = find(tx, domain.domain_id, request["SpeakerId"])
    remove(tx, row)
    record(tx, [SpeakerEvent(Action.DELETE, domain.domain_id, row.generated_id)])
    return {}


def remove(tx: Transaction, row: Row[Any]) -> None:
    """Delete the speaker's row, and know the request that opted the person out as used all the same."""
    if row.opted_out_by is not None:
        remember(tx, {row.opted_out_by: None})
    tx.connection.execute(delete(speakers).where(speakers.c.sequence == row.sequence))
    bulk.grow(tx.connection, row.domain_id, -1)


def find(tx: Transaction, domain_id: str, speaker_id: str) -> Row[Any]:
    """Return a speaker's row by either id; raises ResourceNotFoundException."""
    column = speakers.c.generated_id if speaker_id.startswith(GENERATED_PREFIX) else speakers.c.customer_id
    query = select(speakers).where(speakers.c.domain_id == domain_id, column == speaker_id)
    row = tx.connection.execute(query).first()
    if row is None:
        raise speaker_not_found()
    return row


def find_all(tx: Transaction, domain_id: str, speaker_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of all speakers named by either id; names without a speaker are passed over."""
    generated = [name for name in speaker_ids if name.startswith(GENERATED_PREFIX)]
    chosen = [name for name in speaker_ids if not name.startswith(GENERATED_PREFIX)] if generated else speaker_ids
    rows: list[dict[str, Any]] = []
    for column, names in (("customer_id", chosen), ("generated_id", generated)):
        if names:
            rows += bulk.find_speakers(tx.connection, domain_id, column, names)
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
