"""What a batch job does to speakers: it records that they are enrolled, unless they have opted out.

An opt-out always wins. Writers of one domain come one after the other, so an opt-out is either seen here and left
alone, or it comes later and overrides the enrolment.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, insert, update

from voiceid_optout.service.db.schema import speakers
from voiceid_optout.service.db.transaction import SpeakerStatus, Transaction
from voiceid_optout.service.operations import bulk
from voiceid_optout.service.operations import speakers as speakers_of
from voiceid_optout.service.operations.domain_rows import DomainRow
from voiceid_optout.service.operations.optouts import new_row

CONFLICT_CODE = 409
CONFLICT_TEXT = "Conflicting action: You cannot request an enrollment for an opted out speaker."


class Decision(StrEnum):
    """What became of one request; the first three are the output file's words."""

    NEW_ENROLLMENT = "NEW_ENROLLMENT"
    DUPLICATE_SKIPPED = "DUPLICATE_SKIPPED"
    ENROLLMENT_OVERWRITE = "ENROLLMENT_OVERWRITE"
    OPTED_OUT = "OPTED_OUT"
    SPEAKER_LIMIT = "SPEAKER_LIMIT"


Decided = tuple[Decision, str | None]
"""A decision, and the GeneratedSpeakerId of the speaker, if there is one."""

_ENROLL = (
    update(speakers)
    .where(speakers.c.sequence == bindparam("row"))
    .values(status=SpeakerStatus.ENROLLED, updated_at=bindparam("at"), last_accessed_at=bindparam("at"))
)


def enroll(tx: Transaction, domain: DomainRow, names: Sequence[str], *, overwrite: bool) -> list[Decided]:
    """Enrol people by customer id, in order; a name that comes twice is decided twice."""
    rows: dict[str, Mapping[str, Any]] = {
        row["customer_id"]: row for row in speakers_of.find_all(tx, domain.domain_id, list(set(names)))
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
        bulk.grow(tx.connection, domain.domain_id, len(created))
    if changed:
        tx.connection.execute(_ENROLL, changed)
    return decided


def _decide(row: Mapping[str, Any], *, overwrite: bool) -> Decision:
    if row["status"] == SpeakerStatus.OPTED_OUT:
        return Decision.OPTED_OUT
    if row["status"] != SpeakerStatus.ENROLLED:
        return Decision.NEW_ENROLLMENT  # an expired voiceprint, or one that never came to be, is no enrolment
    return Decision.ENROLLMENT_OVERWRITE if overwrite else Decision.DUPLICATE_SKIPPED
