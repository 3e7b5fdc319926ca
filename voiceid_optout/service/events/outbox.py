"""The outbox: events wait here, written by the transaction that made them happen, until each sink has them.

A sink is a place that events go to, by name. A row is one event for one sink, so that a sink that is away holds up
nobody but itself.
"""

from collections.abc import Sequence

from sqlalchemy import Column, Double, Index, String, Table, Text, insert

from voiceid_optout.service.db.schema import SequenceNumber, metadata
from voiceid_optout.service.db.transaction import Transaction
from voiceid_optout.service.events.speaker_event import SpeakerEvent, envelope

outbox = Table(
    "event_outbox",
    metadata,
    Column("sequence", SequenceNumber, primary_key=True, autoincrement=True),
    Column("sink", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    sqlite_autoincrement=True,
)

Index("event_outbox_in_order", outbox.c.sink, outbox.c.sequence)

leases = Table(
    "event_leases",
    metadata,
    Column("sink", String(16), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", Double, nullable=False),
)


def record(tx: Transaction, events: Sequence[SpeakerEvent]) -> None:
    """Put the events into the outbox of every configured sink, within ``tx``.

    Without a sink this writes nothing; a caller on a hot path asks ``tx.tenant.sinks`` before it makes events.
    """
    if not tx.tenant.sinks or not events:
        return
    bodies = [envelope(event, tx.tenant, tx.now) for event in events]
    rows = [{"sink": sink, "body": body, "created_at": tx.now} for body in bodies for sink in tx.tenant.sinks]
    tx.connection.execute(insert(outbox), rows)
