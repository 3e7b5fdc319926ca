"""OptOutSpeaker, the operation the service exists for, in its bulk form.

A batch of opt-outs costs two reads and two writes however many it holds; that is what carries thousands a second.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, update

from voiceid_optout.service.db.idempotency import remember
from voiceid_optout.service.db.schema import speakers
from voiceid_optout.service.db.transaction import DomainStatus, Request, Result, SpeakerStatus, Transaction
from voiceid_optout.service.errors import (
    ApiError,
    concurrent_changes,
    domain_not_active,
    domain_not_found,
    quota_exceeded,
    speaker_not_found,
)
from voiceid_optout.service.events.outbox import Action, SpeakerEvent, record
from voiceid_optout.service.operations import domains
from voiceid_optout.service.operations import speakers as speakers_of
from voiceid_optout.service.operations.speakers import GENERATED_PREFIX, grow, insert_speakers, new_row, shown

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
    outcomes: list[Result | ApiError] = [domain_not_found()] * len(requests)
    for domain_id, places in by_domain.items():
        if domain_id in known:
            answers = _in_domain(tx, known[domain_id], [requests[place] for place in places])
            for place, answer in zip(places, answers, strict=True):
                outcomes[place] = answer
    return outcomes


def _in_domain(tx: Transaction, domain: domains.DomainRow, requests: Sequence[Request]) -> list[Result | ApiError]:
    """Decide for each request against the rows of the start and the requests before, then write all changes."""
    names = [request["SpeakerId"] for request in requests]
    rows = speakers_of.by_id(speakers_of.find_all(tx, domain.domain_id, names))
    active = domain.status == DomainStatus.ACTIVE
    room = tx.tenant.limits.speakers_per_domain - domain.speaker_count
    created: list[tuple[str, str, str | None]] = []
    changed: list[Mapping[str, Any]] = []
    idle: dict[str, str | None] = {}
    answers: list[Result | ApiError] = []
    done: list[str] = []
    for request, name in zip(requests, names, strict=True):
        row, mark = rows.get(name), request.get("Mark")
        if mark is not None and (request["Repeated"] or mark in idle or _made_by(row, mark)):
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
        return speaker_not_found()
    if room <= 0:
        return quota_exceeded("The domain holds as many speakers as its quota allows, opted-out ones included.")
    return None


def _made_by(row: Mapping[str, Any] | None, mark: str) -> bool:
    return row is not None and row["opted_out_by"] == mark


def _again(row: Mapping[str, Any] | None) -> Result | ApiError:
    """Return the answer to a request that opted the person out before.

    The answer shows the person as opted out. Of one who was released since, that would be untrue, and to opt out
    again would undo the release: the caller is to sign anew.
    """
    opted_out = row is not None and row["status"] == SpeakerStatus.OPTED_OUT
    return {"Speaker": shown(row)} if row is not None and opted_out else concurrent_changes()
