from dataclasses import replace

import pytest

from tests.evidence.reports import HELD, summarise
from tests.tables import each_row
from voiceid_optout.evidence import EvidenceError, Header, Row
from voiceid_optout.evidence.report import (
    DomainSummary,
    Month,
    Summary,
    is_drifted,
    is_overdue,
    is_review_past,
)

HEADER = Header("voiceid", "production", "2026-04-15T08:00:00Z", None, 1, 30, None, "voiceid-optout 1.0")
OPEN = replace(HELD, status="ENROLLED", applied_at=None)
RELEASED = replace(HELD, ensure="released", status=None, applied_at=None)
UNLISTED = replace(HELD, ensure=None, place=None, requested_on=None, listed_at=None, listed_in=None)


@each_row(
    ("row", "drifted"),
    [
        (HELD, False),
        (OPEN, True),
        (replace(OPEN, status=None), True),
        (replace(OPEN, status="PENDING"), True),
        (RELEASED, False),
        (replace(RELEASED, status="OPTED_OUT"), True),
        (UNLISTED, False),
    ],
)
def test_drifted_is_who_is_not_as_asked(row: Row, *, drifted: bool) -> None:
    assert is_drifted(row) is drifted


@each_row(
    ("row", "overdue"),
    [
        (OPEN, True),
        (HELD, False),
        (replace(OPEN, requested_on="2026-03-16"), False),  # 30 days
        (replace(OPEN, requested_on="2026-03-15"), True),  # 31 days
        (replace(OPEN, requested_on=None), True),  # listed on 4 March
        (replace(OPEN, requested_on=None, listed_at="2026-04-01T00:00:00Z"), False),
        (replace(OPEN, requested_on=None, listed_at=None), False),  # nobody knows since when
        (replace(OPEN, requested_on="2026-04-14", listed_at="2025-01-01T00:00:00Z"), False),  # asked again
        (replace(RELEASED, status="OPTED_OUT"), False),  # no objection waits
        (UNLISTED, False),
    ],
)
def test_overdue_is_an_opt_out_that_waits_longer_than_the_header_allows(row: Row, *, overdue: bool) -> None:
    assert is_overdue(row, HEADER) is overdue


def test_the_days_are_the_headers() -> None:
    assert not is_overdue(OPEN, replace(HEADER, overdue_days=60))
    assert is_overdue(replace(OPEN, requested_on="2026-04-14"), replace(HEADER, overdue_days=0))


@each_row(
    ("row", "past"),
    [
        (replace(HELD, review_on="2026-04-14"), True),
        (replace(HELD, review_on="2026-04-15"), False),
        (replace(RELEASED, review_on="2026-04-14"), True),
        (HELD, False),
    ],
)
def test_a_review_is_past_from_the_day_after(row: Row, *, past: bool) -> None:
    assert is_review_past(row, HEADER) is past


def test_the_summary_counts_each_domain() -> None:
    other = replace(UNLISTED, domain_id="B" * 22)
    rows = [HELD, OPEN, RELEASED, replace(HELD, review_on="2026-01-01"), UNLISTED, other]
    assert summarise(rows, HEADER).domains == (
        DomainSummary("A" * 22, 4, as_asked=3, released=1, drifted=1, overdue=1, unlisted=1, reviews_past=1),
        DomainSummary("B" * 22, 0, as_asked=0, released=0, drifted=0, overdue=0, unlisted=1, reviews_past=0),
    )


def test_the_months_are_those_of_asking_of_listing_and_of_the_opt_out() -> None:
    rows = [
        replace(
            HELD, requested_on="2026-01-30", listed_at="2026-02-01T00:00:00Z", applied_at="2026-03-01T00:00:00Z"
        ),
        replace(HELD, requested_on=None, listed_at="2026-02-01T23:00:00Z", applied_at="2026-02-03T01:00:00Z"),
        replace(HELD, requested_on="2026-02-01", listed_at=None, applied_at="2026-02-06T00:00:00Z"),
        replace(OPEN, requested_on="2026-02-01", listed_at=None),
        RELEASED,
        UNLISTED,
    ]
    assert summarise(rows, HEADER).months == (
        Month("2026-01", requested=1, listed=0, applied=0, median_days=30, longest_days=30),
        Month("2026-02", requested=3, listed=2, applied=2, median_days=3.5, longest_days=5),
        Month("2026-03", requested=0, listed=0, applied=1, median_days=None, longest_days=None),
    )


def test_who_was_opted_out_before_they_asked_has_not_waited() -> None:
    month = summarise([replace(HELD, applied_at="2026-01-01T00:00:00Z")], HEADER).months[1]
    assert (month.median_days, month.longest_days) == (0, 0)


def test_nobody_is_an_empty_summary() -> None:
    assert summarise([], HEADER) == Summary((), ())


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(EvidenceError, match="calendar"):
        summarise([replace(OPEN, requested_on="2026-02-31")], HEADER)
