"""Rows and headers for the tests of reports."""

from collections.abc import Iterable

from voiceid_optout.evidence import Header, Row, Signature, commitment, opening
from voiceid_optout.evidence.report import Summary, SummaryMaker

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
KEY = "label key"
HEADER = Header(
    "voiceid-optout", "production", "2026-11-27T03:23:00Z", "0" * 40, 1, 30, None, "voiceid-optout 0.1.0"
)
SIGNATURE = Signature("ab" * 32, "cd" * 64)


def row_of(number: int) -> Row:
    """Return the row of person ``number``; labels ascend with it."""
    speaker_id = f"planted-{number}"
    return Row(
        label=f"sp-{number:016x}",
        domain_id=DOMAIN,
        person=commitment(opening(KEY, DOMAIN, speaker_id), DOMAIN, speaker_id),
        nonce=f"{number:032x}",
        ensure="opted_out",
        place=f"config/people.yaml:{number + 3}",
        requested_on="2026-03-02",
        ticket="PRIV-231 „ö“",
        review_on=None,
        listed_at="2026-03-03T09:15:00Z",
        listed_in="1" * 40,
        applied_at="2026-03-03T09:20:00Z",
        status="OPTED_OUT",
        verified_at="2026-11-27T03:23:00Z",
    )


ROW = row_of(0)

# Somebody who asked, was listed, and is opted out.
HELD = Row(
    label="sp-0000000000000001",
    domain_id="A" * 22,
    person="c" * 64,
    nonce="d" * 32,
    ensure="opted_out",
    place="config/people.yaml:3",
    requested_on="2026-03-02",
    ticket=None,
    review_on=None,
    listed_at="2026-03-04T09:00:00Z",
    listed_in="e" * 40,
    applied_at="2026-03-05T09:15:00Z",
    status="OPTED_OUT",
    verified_at="2026-04-15T08:00:00Z",
)


def summarise(rows: Iterable[Row], header: Header) -> Summary:
    """Return the summary of rows."""
    maker = SummaryMaker(header)
    for row in rows:
        maker.add(row)
    return maker.summary()
