import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.evidence import reports
from tests.evidence.reports import summarise
from tests.tables import each_row
from voiceid_optout import pages
from voiceid_optout.evidence import EvidenceError, Header, Row, Signature
from voiceid_optout.evidence.report_html import BLOCK, write_html

ROOT = "5f" * 32
HEADER = Header("voiceid", "production", "2026-04-15T08:00:00Z", "a" * 40, 5, 30, "b7" * 32, "voiceid-optout 1.0")
HELD = replace(reports.HELD, ticket="PRIV-231", review_on="2026-04-01")
OVERDUE = replace(HELD, label="sp-0000000000000002", status="ENROLLED", applied_at=None, review_on=None)
DRIFTED = replace(OVERDUE, label="sp-0000000000000003", requested_on="2026-04-10")
UNLISTED = replace(
    HELD,
    label="sp-0000000000000004",
    ensure=None,
    place=None,
    requested_on=None,
    ticket=None,
    review_on=None,
    listed_at=None,
    listed_in=None,
)
RELEASED = replace(
    HELD, label="sp-0000000000000005", ensure="released", status=None, applied_at=None, review_on=None
)
ALL = [HELD, OVERDUE, DRIFTED, UNLISTED, RELEASED]

EVIL = "</script><script>alert(1)</script><!--<script>\u2028\u202e\"'&amp;{{script}}{{rows}}\ud800"


class Page(HTMLParser):
    """Reads a page: its elements, its words, the blocks of rows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open = ""
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open = tag
        self.tags.append(tag)
        if tag in ("script", "style"):
            self.texts_of(tag).append("")
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        if self.open in ("script", "style"):
            self.texts_of(self.open)[-1] += data
        else:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def texts_of(self, tag: str) -> list[str]:
        return self.scripts if tag == "script" else self.styles

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def blocks(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.scripts if text.startswith("{")]


def written(rows: list[Row], header: Header = HEADER, names: Mapping[str, str] | None = None, **more: Any) -> str:
    out = io.StringIO()
    write_html(out, header, summarise(rows, header), iter(rows), **{"root": ROOT, "names": names, **more})
    return out.getvalue()


def test_the_rows_are_in_the_page_column_by_column() -> None:
    (block,) = Page(written(ALL)).blocks
    assert block["label"] == [row.label for row in ALL]
    assert block["condition"] == [3, 0, 1, 2, 4]
    assert block["late"] == [1, 0, 0, 0, 0]
    assert block["domain"] == {"values": ["A" * 22], "at": [0] * 5}
    assert block["file"] == {"values": ["config/people.yaml", ""], "at": [0, 0, 0, 1, 0]}
    assert block["line"] == [3, 3, 3, None, 3]
    assert block["status"] == {"values": ["OPTED_OUT", "ENROLLED", ""], "at": [0, 1, 1, 0, 2]}
    assert block["requested"][0] == 20514  # days since 1970
    assert block["listed"][0] == 1772614800  # seconds since 1970
    assert block["applied"] == [1772702100, None, None, 1772702100, None]
    assert block["days"] == [3, None, None, None, None]
    assert block["ticket"] == ["PRIV-231", "PRIV-231", "PRIV-231", "", "PRIV-231"]


def test_the_top_says_root_signature_and_how_to_verify() -> None:
    page = Page(written(ALL, signature=Signature("7c" * 32, "1" * 128)))
    for text in (ROOT, "7c" * 32, "b7" * 32, "optout verify report.json", "voiceid / production", "a" * 12):
        assert text in page.text
    assert f"Root {ROOT}" in page.text.partition("Month by month")[0]


def test_a_report_without_root_and_signature_says_so() -> None:
    page = Page(written(ALL, replace(HEADER, previous=None, commit=None), root=None))
    assert "Root none Signature none Report before none" in page.text
    assert "which was not made with it: name one with --json ." in page.text
    assert "optout verify" not in page.text


def test_the_tiles_say_the_counts_in_words() -> None:
    text = Page(written(ALL)).text
    assert "3 people need attention." in text
    assert (
        "4 listed 2 as asked 2 not as asked 1 of these overdue 1 in no register 1 released 1 review date past"
        in text
    )


@each_row(
    ("rows", "verdict"),
    [
        ([HELD], "Everybody is as they asked: 1 person."),
        ([HELD, UNLISTED], "1 person needs attention."),
        ([], "Nobody is listed."),
    ],
)
def test_the_verdict_is_a_sentence(rows: list[Row], verdict: str) -> None:
    assert verdict in Page(written(rows)).text


def test_the_charts_have_a_table_beside_them() -> None:
    page = Page(written(ALL))
    assert page.tags.count("svg") == 2
    assert "Month Asked Listed Opted out Days, median Days, longest 2026-04 1 0 0 \u2013 \u2013" in page.text
    assert "2026-03 2 3 1 3 3" in page.text


def test_a_report_without_months_says_so() -> None:
    page = Page(written([]))
    assert "svg" not in page.tags
    assert "No opt-out has been asked for yet." in page.text


def test_several_domains_have_a_table() -> None:
    page = Page(written([HELD, replace(OVERDUE, domain_id="B" * 22)]))
    assert f"{'A' * 22} 1 1 0 0 0 0 1 {'B' * 22} 1 0 1 1 0 0 0" in page.text


def test_nobody_is_named_unless_the_caller_gives_names() -> None:
    names = {HELD.label: "caller-000017"}
    assert "caller-000017" not in written(ALL)
    assert "id" not in Page(written(ALL)).blocks[0]
    page = Page(written(ALL, names=names))
    assert page.blocks[0]["id"] == ["caller-000017", "", "", "", ""]
    assert "This page names people." in page.text


def test_commitments_and_nonces_stay_in_the_report() -> None:
    text = written(ALL)
    assert HELD.person not in text
    assert HELD.nonce not in text


EVIL_ROW = replace(HELD, ticket=EVIL, place=EVIL, listed_in=EVIL, status=EVIL, domain_id=EVIL, label=EVIL)
EVIL_HEADER = replace(
    HEADER, project=EVIL, stack=EVIL, tool=EVIL, commit=EVIL, made_at=f"2026-04-15T08:00:00Z{EVIL}"
)


def test_hostile_texts_stay_texts() -> None:
    plain = Page(written([HELD, OVERDUE], names={}))
    rows = [EVIL_ROW, replace(OVERDUE, domain_id=EVIL)]
    text = written(rows, EVIL_HEADER, {EVIL: EVIL}, root=EVIL)
    text.encode()
    page = Page(text)
    assert page.tags.count("script") == plain.tags.count("script") == 2
    assert page.scripts[-1] == plain.scripts[-1]
    assert page.styles == plain.styles
    assert set(page.tags) == set(plain.tags)
    assert "alert(1)" in page.blocks[0]["ticket"][0]
    assert not re.search("[\u2028\u202e]", text)
    assert "\\u202e" not in text


def test_nothing_is_loaded_and_only_our_script_runs() -> None:
    page = Page(written(ALL))
    style, script = page.styles[0], page.scripts[-1]
    assert ("content", pages.policy(style, script)) in page.attributes
    assert not {"img", "iframe", "object", "base"} & set(page.tags)
    sources = [(name, value) for name, value in page.attributes if name in ("src", "href", "style")]
    assert sources == [("href", "data:,"), ("href", "#people")]
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"@import|url\(|https?:", style + script)
    assert not re.search(r"innerHTML|outerHTML|document\.write|eval\(|fetch\(", script)


def test_the_words_are_explained() -> None:
    text = Page(written(ALL, replace(HEADER, overdue_days=45))).text
    assert "Asked more than 45 days ago" in text
    assert "Made by voiceid-optout 1.0." in text


def test_every_slot_of_the_template_is_filled() -> None:
    assert "{{" not in written(ALL)


def test_the_page_is_written_block_by_block() -> None:
    """Rows are taken as they are written, so that a million take no more memory than a block."""
    out = io.StringIO()
    sizes = []

    def rows() -> Iterator[Row]:
        for index in range(3 * BLOCK):
            if index % BLOCK == 0:
                sizes.append(len(out.getvalue()))
            yield replace(HELD, label=f"sp-{index:016x}")

    write_html(out, HEADER, summarise([HELD], HEADER), rows(), root=ROOT, names=None)
    assert 0 < sizes[0] < sizes[1] < sizes[2]
    blocks = Page(out.getvalue()).blocks
    assert [len(block["label"]) for block in blocks] == [BLOCK] * 3
    assert [label for block in blocks for label in block["label"]] == [f"sp-{i:016x}" for i in range(3 * BLOCK)]


@each_row(
    "row",
    [
        replace(HELD, requested_on="2026-02-30"),
        replace(HELD, applied_at="yesterday"),
        replace(HELD, verified_at="2026-02-03T25:00:00Z"),
        replace(OVERDUE, requested_on="2026-xx-01"),
    ],
)
def test_a_time_that_is_none_is_one_clear_error(row: Row) -> None:
    with pytest.raises(EvidenceError, match="no calendar has"):
        written([row])
