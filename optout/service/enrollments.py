"""What a batch job does to speakers: it records that they are enrolled, unless they have opted out.

An opt-out always wins. Rows are locked before they are looked at, and a person created by an opt-out at the same
moment is seen on a second look, so whichever transaction comes first, the person ends opted out.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from optout.service import speakers as speakers_of
from optout.service.domain_rows import DomainRow
from optout.service.optouts import new_row
from optout.service.schema import speakers
from optout.service.transaction import SpeakerStatus, Transaction


class Decision(StrEnum):
    """What became of one request; the first three are the output file's words."""

    NEW_ENROLLMENT = "NEW_ENROLLMENT"
    DUPLICATE_SKIPPED = "DUPLICATE_SKIPPED"
    ENROLLMENT_OVERWRITE = "ENROLLMENT_OVERWRITE"
    OPTED_OUT = "OPTED_OUT"
    SPEAKER_LIMIT = "SPEAKER_LIMIT"


Decided = tuple[Decision, str | None]
"""A decision, and the GeneratedSpeakerId of a speaker who is enrolled now."""

_ENROLL = (
    update(speakers)
    .where(speakers.c.sequence == bindparam("row"))
    .values(status=SpeakerStatus.ENROLLED, updated_at=bindparam("at"), last_accessed_at=bindparam("at"))
)


def enroll(tx: Transaction, domain: DomainRow, names: Sequence[str], *, overwrite: bool) -> list[Decided]:
    """Enrol people by customer id, in order; a name that comes twice is decided twice."""
    known = _locked(tx, domain.domain_id, names)
    missing = list(dict.fromkeys(name for name in names if name not in known))
    room = max(0, tx.tenant.limits.speakers_per_domain - domain.speaker_count)
    created = _create(tx, domain.domain_id, missing[:room])
    # Whoever was to be created and was not is another transaction's: most likely an opt-out's.
    known |= _locked(tx, domain.domain_id, [name for name in missing[:room] if name not in created])
    fresh, changed = set(created), {}
    decided: list[Decided] = []
    for name in names:
        row = created.get(name) or known.get(name)
        if row is None:
            decided.append((Decision.SPEAKER_LIMIT, None))
            continue
        decision = Decision.NEW_ENROLLMENT if name in fresh else _decide(row, overwrite=overwrite)
        if decision in (Decision.NEW_ENROLLMENT, Decision.ENROLLMENT_OVERWRITE) and name not in created:
            changed[row["sequence"]] = {"row": row["sequence"], "at": tx.now}
            row["status"] = SpeakerStatus.ENROLLED
        fresh.discard(name)
        decided.append((decision, None if decision is Decision.OPTED_OUT else row["generated_id"]))
    if changed:
        tx.connection.execute(_ENROLL, list(changed.values()))
    if created:
        speakers_of.grow(tx, domain.domain_id, len(created))
    return decided


def _decide(row: Mapping[str, Any], *, overwrite: bool) -> Decision:
    if row["status"] == SpeakerStatus.OPTED_OUT:
        return Decision.OPTED_OUT
    if row["status"] != SpeakerStatus.ENROLLED:
        return Decision.NEW_ENROLLMENT  # an expired voiceprint, or one that never came to be, is no enrolment
    return Decision.ENROLLMENT_OVERWRITE if overwrite else Decision.DUPLICATE_SKIPPED


def _locked(tx: Transaction, domain_id: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the rows of those who exist, which nobody else can change until the transaction ends."""
    if not names:
        return {}
    query = (
        select(speakers)
        .where(speakers.c.domain_id == domain_id, speakers.c.customer_id.in_(set(names)))
        .order_by(speakers.c.sequence)
        .with_for_update()
    )
    return {row.customer_id: row._asdict() for row in tx.connection.execute(query)}


def _create(tx: Transaction, domain_id: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Insert enrolled speakers and return their rows, without those that another transaction inserted first."""
    if not names:
        return {}
    rows = {
        name: new_row(tx, domain_id, name, SpeakerStatus.ENROLLED) | {"last_accessed_at": tx.now} for name in names
    }
    # Both databases know the clause, but SQLAlchemy has no common word for it.
    dialect = postgresql if tx.connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(speakers).values(list(rows.values())).on_conflict_do_nothing()
    made = tx.connection.scalars(statement.returning(speakers.c.customer_id)).all()
    return {name: rows[name] | {"status": SpeakerStatus.ENROLLED} for name in made}
