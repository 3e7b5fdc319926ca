"""A receipt as JSON-LD: only terms that the table of the docs has, and every byte is checked."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.receipts import receipt, require_found
from tests.tables import each_row
from voiceid_optout.evidence.json_ld import CONTEXT, read, render
from voiceid_optout.evidence.receipt import Receipt, ReceiptInvalid, content

DOCS = Path(__file__).parents[2] / "docs" / "verify.md"


def terms(value: Any) -> Iterator[str]:
    """Yield the terms of a vocabulary in a document, but none of the receipt inside."""
    if isinstance(value, dict):
        if value.get("@type") == "@json":
            return
        yield from (name for name in value if ":" in name)
        yield from (str(value[name]) for name in ("@type", "@id") if name in value)
        yield from (term for name, part in value.items() if name != "@context" for term in terms(part))
    elif isinstance(value, list):
        yield from (term for part in value for term in terms(part))


def activities(made: Receipt) -> list[tuple[str, str, str | None]]:
    """Return involvement, time and status of each thing that happened."""
    return [
        (
            part["dpv:hasEntityInvolvement"]["@type"].removeprefix("dpv:"),
            part["dpv:isIndicatedAtTime"]["@value"],
            part.get("dpv:hasStatus", {}).get("@id", "").removeprefix("dpv:") or None,
        )
        for part in json.loads(render(made))["dct:hasPart"]
    ]


def test_what_is_written_is_read_again() -> None:
    for made in (receipt(), receipt(reveal=True), receipt(signed=False)):
        assert read(render(made)) == made


def test_it_needs_nothing_from_elsewhere_to_be_read() -> None:
    document = json.loads(render(receipt()))
    assert document["@context"] == CONTEXT
    assert {term.partition(":")[0] for term in terms(document)} <= set(CONTEXT)
    assert document["dct:hasFormat"]["rdf:value"] == {"@type": "@json", "@value": content_of(receipt())}


def content_of(made: Receipt) -> Any:
    return json.loads(json.dumps(content(made)))


def test_the_docs_have_every_term() -> None:
    row = receipt().row
    made = [
        receipt(),
        replace(receipt(), row=replace(row, status="ENROLLED")),
        replace(receipt(), row=replace(row, ensure="released", status=None)),
    ]
    used = {term for one in made for term in terms(json.loads(render(one)))}
    listed = set(re.findall(r"`((?:dct|dpv|pd|rdf|xsd):\w+)`", DOCS.read_text(encoding="utf-8")))
    assert used - listed == set()


def test_what_happened_stands_in_order() -> None:
    assert activities(receipt()) == [
        ("OptingOutFromProcess", "2026-03-02", "RequestInitiated"),
        ("OptingOutFromProcess", "2026-03-03T09:15:00Z", "RequestAccepted"),
        ("OptingOutFromProcess", "2026-03-03T09:20:00Z", "RequestFulfilled"),
        ("OptingOutFromProcess", "2026-11-27T03:23:00Z", "RequestFulfilled"),
    ]


@each_row(
    ("changes", "last"),
    [
        ({"status": "ENROLLED"}, ("OptingOutFromProcess", "RequestUnfulfilled")),
        ({"status": None}, ("OptingOutFromProcess", "RequestUnfulfilled")),
        ({"ensure": "released", "status": None}, ("OptingInToProcess", "RequestFulfilled")),
        ({"ensure": "released", "status": "OPTED_OUT"}, ("OptingInToProcess", "RequestUnfulfilled")),
        ({"ensure": None, "requested_on": None, "listed_at": None}, ("OptingOutFromProcess", None)),
    ],
)
def test_whether_it_holds_is_the_last_thing_said(changes: Any, last: tuple[str, str | None]) -> None:
    said = activities(replace(receipt(), row=replace(receipt().row, **changes)))
    assert (said[-1][0], said[-1][2]) == last
    assert "RequestFulfilled" not in [status for _, _, status in said[:-1]] or changes.get("ensure", "") == ""


@pytest.mark.costly
def test_each_changed_or_missing_byte_is_found() -> None:
    require_found(render, read)


@each_row("data", [b"{}", b"[]", b'{"dct:hasFormat": []}', b'{"dct:hasFormat": {"rdf:value": 1}}'])
def test_what_has_no_receipt_in_it_is_refused(data: bytes) -> None:
    with pytest.raises(ReceiptInvalid, match="dct:hasFormat: the receipt itself is missing"):
        read(data)
