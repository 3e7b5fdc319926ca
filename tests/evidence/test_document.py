"""A report's file: what is written is read again, and a change of any byte is found."""

import io
import json
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence.reports import DOMAIN, HEADER, ROW, SIGNATURE, row_of
from tests.tables import each_row
from voiceid_optout.evidence import Row, Signature, canonical
from voiceid_optout.evidence.document import LONGEST_LINE, DocumentInvalid, Report, write
from voiceid_optout.evidence.merkle import Tree, is_included


def written(rows: list[Row], signature: Signature | None = None) -> bytes:
    out = io.BytesIO()
    header = replace(HEADER, people=len(rows))
    write(out, header, rows, None if signature is None else lambda _root: signature)
    return out.getvalue()


def read(data: bytes) -> tuple[Report, list[Row]]:
    report = Report(io.BytesIO(data))
    return report, list(report)


PEOPLE = st.integers(0, 40).map(lambda count: [row_of(number) for number in range(count)])


@given(rows=PEOPLE, signed=st.booleans())
def test_what_is_written_is_read_again(rows: list[Row], signed: bool) -> None:
    signature = SIGNATURE if signed else None
    data = written(rows, signature)
    report, found = read(data)
    assert (found, report.signature) == (rows, signature)
    assert json.loads(data)["root"] == report.root
    tree = Tree()
    tree.add(canonical(report.header))
    for row in rows:
        tree.add(canonical(row))
    assert tree.root().hex() == report.root


def test_it_is_json_with_a_row_a_line() -> None:
    data = written([row_of(0), row_of(1)], SIGNATURE)
    assert [line[:10] for line in data.splitlines()] == [b'{"header":', b'{"applied_', b'{"applied_', b'],"root":"']
    assert json.loads(data)["rows"][1]["label"] == row_of(1).label


@pytest.mark.costly
@pytest.mark.parametrize("signature", [None, SIGNATURE], ids=["unsigned", "signed"])
def test_each_changed_byte_is_found(signature: Signature | None) -> None:
    """Whoever changes the root itself, or the signature, is found by the signature: see test_signing.py."""
    data = written([row_of(0), row_of(1)], signature)
    end = data.index(b'"value":"') if signature else len(data)
    key = range(data.index(b'"public_key":"') + 14, data.index(b'"public_key":"') + 78) if signature else ()
    for place in range(end):
        for changed in (
            data[:place] + data[place + 1 :],
            data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
        ):
            if place in key and len(changed) == len(data) and chr(changed[place]) in "0123456789abcdef":
                continue
            with pytest.raises(DocumentInvalid):
                read(changed)
    for place in range(len(data)):
        with pytest.raises(DocumentInvalid):
            read(data[:place])
    for more in (b"\n", b" ", b"{}", data):
        with pytest.raises(DocumentInvalid):
            read(data + more)


@each_row(
    ("old", "new", "place"),
    [
        (b'"people":2', b'"people":3', "line 1"),
        (b'"people":2', b'"people":true', "line 1"),
        (b'"people":2', b'"people":2,"people":2', "line 1"),
        (b'"version":1', b'"version":2', "line 1"),
        (b'"status":"OPTED_OUT"', b'"status":"\\u004fPTED_OUT"', "line 2"),
        (b'"status":"OPTED_OUT"', b'"status":NaN', "line 2"),
        (b'"status":"OPTED_OUT"', b'"status":"\\ud800"', "line 2"),
        (b'"status":"OPTED_OUT"', b'"status":' + b"[" * 20_000, "line 2"),
        (b'"status":"OPTED_OUT"', b'"status":"' + b"x" * LONGEST_LINE + b'"', "line 2"),
        (b'"label":"sp-', b'"label":"sp_', "line 2"),
        (b'"label":"sp-', b'"more":"","label":"sp-', "line 2"),
        (b'"ensure":"opted_out",', b"", "line 2"),
        (b'},\n{"applied', b'}\n{"applied', "line 3"),
        (b'}\n],"root"', b'},\n],"root"', "line 4"),
        (b'],"root"', b']\n,"root"', "line 4"),
        (b'"Ed25519"', b'"RS256"', "line 4"),
    ],
)
def test_a_hostile_report_is_refused_with_its_line(old: bytes, new: bytes, place: str) -> None:
    data = written([row_of(0), row_of(1)], SIGNATURE)
    assert old in data
    with pytest.raises(DocumentInvalid, match=rf"^{place}: ") as raised:
        read(data.replace(old, new, 1))
    assert "sp-" not in str(raised.value)


@pytest.mark.parametrize("rows", [[row_of(1), row_of(0)], [row_of(0), row_of(0)]], ids=["order", "twice"])
def test_rows_have_one_order(rows: list[Row]) -> None:
    with pytest.raises(ValueError, match="order"):
        written(rows)
    first, second = map(canonical, rows)
    data = written([row_of(0), row_of(1)])
    old_first, old_second = canonical(row_of(0)), canonical(row_of(1))
    swapped = data.replace(old_first + b",\n" + old_second, first + b",\n" + second)
    with pytest.raises(DocumentInvalid, match=r"^line 3: rows come in the order"):
        read(swapped)


def test_the_header_counts_the_rows() -> None:
    with pytest.raises(ValueError, match="5 people"):
        write(io.BytesIO(), replace(HEADER, people=5), [ROW])


@each_row("data", [b"", b"\n", b"{}\n", b"\x00" * 100, b'{"header":{},"rows":[\n', b"[" * 10_000])
def test_another_file_is_no_report(data: bytes) -> None:
    with pytest.raises(DocumentInvalid, match=r"^line 1: "):
        read(data)


def test_a_tracked_row_has_its_proof_and_the_header_too() -> None:
    rows = [row_of(number) for number in range(11)]
    report = Report(io.BytesIO(written(rows)), track=lambda row: row == rows[6])
    assert list(report) == rows
    root = bytes.fromhex(report.root)
    for index, leaf in ((0, report.header), (7, rows[6])):
        proof = [bytes.fromhex(one) for one in report.proof(index)]
        assert is_included(root, report.size, index, canonical(leaf), proof)
    assert report.tracked == [(7, rows[6])]


@pytest.mark.costly
def test_reading_takes_no_memory_for_each_row() -> None:
    data = written([row_of(number) for number in range(4000)])
    tracemalloc.start()
    report = Report(io.BytesIO(data))
    before = tracemalloc.get_traced_memory()[0]
    assert sum(1 for _ in report) == 4000
    assert tracemalloc.get_traced_memory()[0] - before < 100_000
    tracemalloc.stop()


def test_domains_come_before_labels() -> None:
    other = replace(row_of(0), domain_id="z" + DOMAIN[1:])
    assert read(written([row_of(1), other]))[1] == [row_of(1), other]
