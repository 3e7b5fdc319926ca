from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

from tests.register.conftest import register_of
from tests.tables import each_row
from voiceid_optout.register import Entry
from voiceid_optout.register.faults import Code, Fault, Location, RegisterInvalid
from voiceid_optout.register.report import (
    MANY,
    advice,
    as_json,
    contacts,
    github,
    github_warnings,
    reviews_past,
    summary,
)
from voiceid_optout.speakers import Ensure

if TYPE_CHECKING:
    from pathlib import Path

PLACE = Location("config/people.yaml", 3, 5)


def found(speaker_id: str = "caller-1", reason: str | None = None, ticket: str | None = None) -> list[str]:
    entry = Entry("D" * 22, speaker_id, Ensure.OPTED_OUT, *PLACE, None, reason, ticket)
    return [f"{contact.field}: {contact.looks_like}" for contact in contacts([entry])]


@each_row("id_", ["00491701234567", "0170-1234567", "491701234567", "0170_123_4567"])
def test_a_number_as_id(id_: str) -> None:
    assert found(id_) == ["id: a telephone number"]


@each_row(
    "id_",
    ["caller-000017", "12345678", "1234567890123456", "AB0170123456", "id#0123456789012345678901", "20260302"],
)
def test_other_ids(id_: str) -> None:
    assert found(id_) == []


@each_row(
    "text",
    ["call 0170 1234567", "+49 (170) 123-45-67", "from (0170) 1234567.", "0049-170/1234567", "+491701234567"],
)
def test_a_number_in_a_text(text: str) -> None:
    assert found(reason=text) == ["reason: a telephone number"]
    assert found(ticket=text) == ["ticket: a telephone number"]


@each_row("text", ["wrote as maria.schmidt@example.org", "mail to <m@example.co.uk>", "MÜLLER@example.org"])
def test_an_address_in_a_text(text: str) -> None:
    assert found(reason=text) == ["reason: an e-mail address"]


@each_row(
    "text",
    [
        "objection by phone",
        "on 2026-03-02 and 2026-03-03, at 10:15",
        "03.02.2026 04.02.2026",
        "PRIV-231",
        "INC0012345678",
        "1234567890",
        "see 12 and 345, user@host",
        "§ 7 (2) 1.2.3",
        "0123 4567",
    ],
)
def test_other_texts(text: str) -> None:
    assert found(reason=text) == []
    assert found(ticket=text) == []


def test_a_warning_says_where_and_not_what() -> None:
    entry = Entry("D" * 22, "00491701234567", Ensure.RELEASED, *PLACE, None, "m@example.org", None)
    better = "an identifier of the contact centre", "a ticket's number"
    assert [str(contact) for contact in contacts([entry])] == [
        f"config/people.yaml:3: warning: id looks like a telephone number: {better[0]} tells less of a person",
        f"config/people.yaml:3: warning: reason looks like an e-mail address: {better[1]} tells less of a person",
    ]


def test_a_review_is_past_from_the_day_after_and_the_warning_has_no_date() -> None:
    entry = Entry("D" * 22, "caller-1", Ensure.OPTED_OUT, *PLACE, review_on=date(2026, 3, 2))
    assert list(reviews_past([entry, entry._replace(review_on=None)], date(2026, 3, 2))) == []
    [past] = reviews_past([entry], date(2026, 3, 3))
    told = "the day in review_on is past: decide about this entry, then give it a new day or delete the key"
    assert str(past) == f"config/people.yaml:3: warning: {told}"
    assert list(github_warnings([past])) == [f"::warning file=config/people.yaml,line=3,col=5::{told}"]


ONE = Fault(Location("a.yaml", 3, 5), Code.BAD_ID, "not a speaker id")
TWO = Fault(Location("b.yaml", 1, 2), Code.DUPLICATE_SPEAKER, "keep one", Location("a.yaml", 4, 5))


def test_summary(tmp_path: Path) -> None:
    assert summary([ONE]) == "1 fault in 1 file"
    assert summary([ONE, TWO, TWO]) == "3 faults in 2 files"
    assert summary(register_of(tmp_path, "- a\n")) == "ok: 1 person in 1 file, 0 released"


def test_github_escapes_what_it_would_take_for_its_own() -> None:
    fault = Fault(Location("100%,x:\ny.yaml", 3, 5), Code.BAD_ID, "50% of: this,\r\nthat")
    assert list(github([fault])) == [
        "::error file=100%25%2Cx%3A%0Ay.yaml,line=3,col=5,title=bad-id::50%25 of: this,%0D%0Athat"
    ]


def test_json_of_faults() -> None:
    told = json.loads(as_json([ONE, TWO]))
    assert told == {
        "version": 1,
        "valid": False,
        "files": None,
        "people": None,
        "released": None,
        "faults": [
            {
                "file": "a.yaml",
                "line": 3,
                "column": 5,
                "code": "bad-id",
                "message": "not a speaker id",
                "other": None,
            },
            {
                "file": "b.yaml",
                "line": 1,
                "column": 2,
                "code": "duplicate-speaker",
                "message": "keep one",
                "other": {"file": "a.yaml", "line": 4, "column": 5},
            },
        ],
        "warnings": [],
    }


def test_json_of_a_register(tmp_path: Path) -> None:
    told = json.loads(as_json(register_of(tmp_path, "released:\n- {id: a, reason: r}\n")))
    assert told | {"files": []} == {
        "version": 1,
        "valid": True,
        "files": [],
        "people": 1,
        "released": 1,
        "faults": [],
        "warnings": [],
    }


def test_faults_come_by_file_line_and_column() -> None:
    later = Fault(Location("a.yaml", 10, 1), Code.BAD_ID, "")
    assert RegisterInvalid([TWO, later, ONE]).faults == (ONE, later, TWO)


@each_row(("people", "sharded"), [(0, False), (MANY, False), (MANY + 1, True), (100_000, True)])
def test_few_people_and_people_in_shards_need_no_advice(people: int, sharded: bool) -> None:
    assert advice(people, sharded=sharded) is None


def test_many_people_are_told_what_they_wait_for() -> None:
    assert advice(10_000, sharded=False) == (
        "10,000 people with a resource each: an unchanged preview takes about 25 s, with "
        "voiceid-optout:grouping: sharded about 2 s. Switching changes nobody in the service"
    )


def test_the_advice_pays_from_the_first_person_it_is_given_to() -> None:
    text = advice(MANY + 1, sharded=False)
    assert text is not None
    assert "about 6 s" in text
    assert "about 2 s" in text
