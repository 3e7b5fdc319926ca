"""Enrolments that nobody used for three years expire; opt-outs never do."""

from sqlalchemy import select, update

from voiceid_optout.service.db.schema import speakers
from voiceid_optout.service.db.transaction import Request, Result, SpeakerStatus, Transaction

LIFETIME_SECONDS = 3 * 365.25 * 24 * 3600
BATCH = 500
"""Speakers expired in one transaction; who asks takes the next ones until there are none."""


def is_over(last_accessed_at: float | None, now: float) -> bool:
    """Tell whether an enrolment that was last used then has expired by now."""
    return last_accessed_at is not None and last_accessed_at < now - LIFETIME_SECONDS


def expire_speakers(tx: Transaction, _request: Request) -> Result:
    """Mark the next enrolments that are over; Expired tells how many there were."""
    over = (
        select(speakers.c.sequence)
        .where(speakers.c.status == SpeakerStatus.ENROLLED, speakers.c.last_accessed_at < tx.now - LIFETIME_SECONDS)
        .limit(BATCH)
    )
    values = {"status": SpeakerStatus.EXPIRED, "updated_at": tx.now}
    done = tx.connection.execute(update(speakers).where(speakers.c.sequence.in_(over)).values(values))
    return {"Expired": done.rowcount}
