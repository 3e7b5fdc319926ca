"""A receipt proves one row of a report; anything else in its place is refused with the place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence.receipts import person, receipt, require_found
from tests.evidence.reports import row_of
from tests.tables import each_row
from voiceid_optout.evidence import canonical
from voiceid_optout.evidence.receipt import LARGEST, ReceiptInvalid, read, render, written


def content(**changes: Any) -> dict[str, Any]:
    return {**json.loads(render(receipt())), **changes}


def refusal(data: bytes) -> str:
    with pytest.raises(ReceiptInvalid) as raised:
        read(data)
    return str(raised.value)


@given(people=st.integers(1, 40), reveal=st.booleans(), signed=st.booleans(), data=st.data())
def test_what_is_written_is_read_again(people: int, reveal: bool, signed: bool, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, people - 1))
    made = receipt(number, people, signed=signed, reveal=reveal)
    assert read(render(made)) == made
    assert made.row == row_of(number)
    assert made.is_of(person(number))
    assert not made.is_of(person(number + 1))


def test_nobody_is_named_unless_revealed() -> None:
    made = receipt()
    assert b"planted" not in render(made)
    assert "planted" not in repr(receipt(reveal=True))
    assert json.loads(render(receipt(reveal=True)))["speaker_id"] == person(1)


def test_it_shows_no_other_row_and_is_easy_on_the_eye() -> None:
    text = render(receipt()).decode()
    assert [row_of(number).label in text for number in range(3)] == [False, True, False]
    assert len(text.splitlines()) > 30
    assert text.endswith("}\n")


def test_each_changed_or_missing_byte_is_found_by_who_knows_the_id() -> None:
    require_found(render, read)


@each_row(
    ("changes", "where"),
    [
        ({"row": {**content()["row"], "status": "ENROLLED"}}, "proof: it does not lead from the row to the root"),
        ({"header": {**content()["header"], "stack": "x"}}, "header_proof: it does not lead from the header to"),
        ({"proof": content()["proof"][::-1]}, "proof: it does not lead"),
        ({"proof": []}, "proof: it does not lead"),
        ({"proof": ["a" * 64] * 65}, "proof: this is not a list of at most 64 hashes"),
        ({"proof": ["A" * 64]}, "proof: a hash is 64 hexadecimal digits"),
        ({"proof": [["a" * 64]]}, "proof: a hash is"),
        ({"header_proof": {}}, "header_proof: this is not a list"),
        ({"index": 0}, "index: this is the place of the header"),
        ({"index": 1}, "proof: it does not lead"),
        ({"index": True}, "index: this is not a number of leaves"),
        ({"index": 2.0}, "index: this is not a number"),
        ({"index": -1}, "index: this is not a number"),
        ({"index": 2**64}, "index: this is not a number"),
        ({"size": 5}, "size: the header says another number"),
        ({"size": "4"}, "size: this is not a number"),
        ({"root": "a" * 63}, "root: not as receipts have it"),
        ({"root": None}, "root: not as receipts have it"),
        ({"root": "b" * 64}, "header_proof: it does not lead"),
        ({"opening": "short"}, "opening: not as receipts have it"),
        ({"speaker_id": "planted-2"}, "speaker_id: the row speaks of somebody else"),
        ({"speaker_id": "no id!"}, "speaker_id: not as receipts have it"),
        ({"speaker_id": "planted-1", "opening": None}, "speaker_id: the row speaks of somebody else"),
        ({"signature": {}}, "signature: not the signature of a report"),
        ({"signature": "none"}, "signature: this is not an object"),
        ({"row": []}, "row: this is not an object"),
        ({"row": {"label": "x"}}, "row: not the row of a report"),
        ({"row": {**content()["row"], "ticket": "\ud800"}}, "this is not JSON that can be read"),
        ({"header": None}, "header: this is not an object"),
        ({"version": 2}, "version: a newer version of this program wrote it"),
        ({"version": True}, "type: this is not a receipt"),
        ({"type": "voiceid-optout/report"}, "type: this is not a receipt"),
        ({"extra": 1}, "this is not a receipt: it has not the members of one"),
    ],
)
def test_what_does_not_hold_is_refused_with_its_place(changes: dict[str, Any], where: str) -> None:
    data = json.dumps(content(**changes), sort_keys=True, indent=2).encode()
    said = refusal(data)
    assert said.startswith(where)
    assert "planted" not in said


@each_row(
    ("data", "where"),
    [
        (b"", "line 1: this is not JSON"),
        (b"[]", "this is not a receipt"),
        (b'{"a":\n\n}', "line 3: this is not JSON"),
        (b"\xff\xfe", "this is not JSON"),
        (b"[" * 10_000, "this is not JSON"),
        (b'{"index":' + b"9" * 5000 + b"}", "this is not JSON"),
        (b" " * (LARGEST + 1), "it is larger than 256 KB"),
        (canonical(content()), "line 1: not written as receipts are"),
        (written(content()).replace(b'"index": 2', b'"index":  2'), "line "),
        (written(content()) + b"\n", "line "),
        (written(content()).removesuffix(b"\n"), "line "),
        (written(content()).replace(b'  "index": 2,\n', b'  "index": 2,\n  "index": 2,\n'), "line "),
    ],
)
def test_other_bytes_are_refused_with_their_line(data: bytes, where: str) -> None:
    assert refusal(data).startswith(where)
