from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from tests.tables import each_row
from voiceid_optout.evidence import EvidenceError, Row, commitment, opening, time_text
from voiceid_optout.evidence.git_history import Listing
from voiceid_optout.evidence.rows import Rows
from voiceid_optout.register import Ensure, Entry
from voiceid_optout.speakers import SpeakerStatus, label
from voiceid_optout.voiceid import Speaker

A, B = "A" * 22, "B" * 22
KEY = "key"
APPLIED = datetime(2026, 3, 5, 9, 15, tzinfo=UTC).timestamp()
READ = datetime(2026, 4, 1, 8, 0, tzinfo=UTC).timestamp()


def entry(speaker_id: str, ensure: Ensure = Ensure.OPTED_OUT, domain_id: str = A, line: int = 3) -> Entry:
    return Entry(domain_id, speaker_id, ensure, "config/people.yaml", line, 5)


def speaker(
    speaker_id: str | None, status: SpeakerStatus = SpeakerStatus.OPTED_OUT, domain_id: str = A, number: int = 0
) -> Speaker:
    return Speaker(domain_id, speaker_id, f"id#{number:022}", status, 0.0, APPLIED)


def by_label(rows: Rows) -> dict[str, Row]:
    return {row.label: row for row in rows}


def only(rows: Rows) -> Row:
    [row] = rows
    return row


def test_a_row_joins_the_register_git_and_the_service() -> None:
    full = entry("caller-1")._replace(
        requested_on=date(2026, 3, 2),
        ticket="PRIV-1",
        review_on=date(2029, 3, 2),
        reason="phone",
    )
    rows = Rows([full], KEY)
    rows.take(A, [speaker("caller-1")], READ + 0.9)
    rows.end(A, READ + 5)
    at = datetime(2026, 3, 4, 9, tzinfo=UTC)
    rows.listed({(A, "caller-1"): Listing(at, "e" * 40, "Ann", 7, Ensure.OPTED_OUT)})
    row = only(rows)
    assert row == Row(
        label=label(KEY, A, "caller-1"),
        domain_id=A,
        person=commitment(opening(KEY, A, "caller-1"), A, "caller-1"),
        nonce=row.nonce,
        ensure="opted_out",
        place="config/people.yaml:3",
        requested_on="2026-03-02",
        ticket="PRIV-1",
        review_on="2029-03-02",
        listed_at="2026-03-04T09:00:00Z",
        listed_in="e" * 40,
        applied_at="2026-03-05T09:15:00Z",
        status="OPTED_OUT",
        verified_at="2026-04-01T08:00:00Z",
    )


def test_without_a_key_the_domain_is_the_key() -> None:
    row = only(Rows([entry("caller-1")], None))
    assert row.label == label(A, A, "caller-1")
    assert row.person == commitment(opening(A, A, "caller-1"), A, "caller-1")


def test_who_is_not_in_the_service_was_verified_when_the_walk_ended() -> None:
    rows = Rows([entry("caller-1"), entry("caller-2", Ensure.RELEASED)], KEY)
    rows.take(A, [speaker("caller-3", SpeakerStatus.ENROLLED)], READ)
    rows.end(A, READ + 60)
    for row in rows:
        assert (row.status, row.applied_at, row.verified_at) == (None, None, "2026-04-01T08:01:00Z")
    assert len(rows) == 2


@each_row("status", [SpeakerStatus.ENROLLED, SpeakerStatus.PENDING, SpeakerStatus.EXPIRED])
def test_only_an_opt_out_has_a_time_of_the_opt_out(status: SpeakerStatus) -> None:
    rows = Rows([entry("caller-1")], KEY)
    rows.take(A, [speaker("caller-1", status)], READ)
    assert (only(rows).status, only(rows).applied_at) == (status.value, None)


def test_a_person_is_known_by_either_name() -> None:
    rows = Rows([entry(f"id#{7:022}")], KEY)
    rows.take(A, [speaker("caller-1", number=7)], READ)
    assert (only(rows).status, len(rows)) == ("OPTED_OUT", 1)


def test_who_is_opted_out_and_in_no_register_has_a_row() -> None:
    rows = Rows([entry("caller-1")], KEY)
    unlisted = [
        speaker("caller-2", number=2),
        speaker("caller-3", SpeakerStatus.ENROLLED, number=3),
        speaker(None, number=4),
    ]
    rows.take(A, unlisted, READ)
    rows.take(B, [speaker("caller-1", domain_id=B, number=5)], READ)  # the same name in another domain
    found = [row for row in rows if row.ensure is None]
    names = [(A, "caller-2"), (A, f"id#{4:022}"), (B, "caller-1")]
    assert {row.label for row in found} == {label(KEY, *name) for name in names}
    assert {row.person for row in found} == {commitment(opening(KEY, *name), *name) for name in names}
    assert {(row.place, row.listed_at, row.status, row.applied_at) for row in found} == {
        (None, None, "OPTED_OUT", "2026-03-05T09:15:00Z")
    }
    assert set(rows.identifiers()) == {"caller-1", "caller-2", f"id#{4:022}"}
    assert rows.names() == {label(KEY, A, "caller-1"): "caller-1"}  # the local register alone


def test_who_changes_while_pages_are_read_is_there_once_as_last_seen() -> None:
    rows = Rows([], KEY)
    rows.take(A, [speaker("caller-2", number=2)], READ)
    rows.take(A, [speaker("caller-2", number=2)], READ + 1)
    assert only(rows).verified_at == "2026-04-01T08:00:01Z"
    rows.take(A, [speaker("caller-2", SpeakerStatus.ENROLLED, number=2)], READ + 2)
    assert list(rows) == []


def test_what_git_has_otherwise_is_not_listed_yet() -> None:
    at = datetime(2026, 3, 4, 9, tzinfo=UTC)
    rows = Rows([entry("caller-1", Ensure.RELEASED), entry("caller-2")], KEY)
    rows.listed({(A, "caller-1"): Listing(at, "e" * 40, "Ann", None, Ensure.OPTED_OUT)})
    assert {(row.listed_at, row.listed_in) for row in rows} == {(None, None)}


def test_rows_come_by_domain_and_label_the_same_ones_each_time() -> None:
    entries = [entry(f"caller-{n}", domain_id=domain, line=n + 3) for n in range(50) for domain in (B, A)]
    rows = Rows(entries, KEY)
    rows.take(A, [speaker(f"other-{n}", number=n) for n in range(50)], READ)
    first = list(rows)
    assert len(first) == len(rows) == 150
    assert all((one.domain_id, one.label) < (two.domain_id, two.label) for one, two in pairwise(first))
    assert list(rows) == first
    assert len({row.nonce for row in first}) == 150
    again = Rows(entries, KEY)
    assert {row.nonce for row in again}.isdisjoint(row.nonce for row in first)  # of another report


def test_tickets_and_names_of_files_are_made_fit_to_be_seen() -> None:
    named = entry("caller-1")._replace(ticket="about caller-1", file="config/caller-1.yaml")
    row = only(Rows([named], KEY, lambda text: text.replace("caller-1", "…")))
    assert (row.ticket, row.place) == ("about …", "config/….yaml:3")


def test_nobody_is_named_in_what_is_kept() -> None:
    rows = Rows([entry("caller-1")], KEY)
    rows.take(A, [speaker("caller-2", number=2)], READ)
    assert "caller" not in repr(rows) + repr(rows._unlisted) + repr(list(rows))


@each_row("seconds", [0, 1, 59, 3600, 86_399, 86_400, 1_772_701_234, 253_402_300_799, -1, -86_401])
def test_a_time_is_the_calendars(seconds: int) -> None:
    assert time_text(seconds) == datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)


@each_row("seconds", [1e20, -1e20, float("nan"), float("inf")])
def test_a_time_that_no_calendar_has_is_an_error(seconds: float) -> None:
    rows = Rows([entry("caller-1")], KEY)
    rows.take(A, [speaker("caller-1")._replace(updated=seconds)], READ)
    with pytest.raises(EvidenceError, match="no calendar"):
        list(rows)
