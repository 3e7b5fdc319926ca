from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.register.yaml12 import read_as_editor
from voiceid_optout.register.edit.person import Comments, Person, Style, block, flow
from voiceid_optout.register.fields import RELEASED, SPEAKERS

STYLE = Style(2, 1, "\n")
PROSE = SPEAKERS.by_name["reason"].rule
IDS = st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,12}", fullmatch=True) | st.sampled_from(
    ["id#0123456789abcdefghijkl", "yes", "null", "0x1f", "1e3", "0021", "2026-03-02", "1_000", "off"]
)
REASONS = st.text(min_size=1, max_size=30).filter(lambda text: PROSE.problem(text, plain=False) is None)


def person(**details: str) -> Person:
    return Person("caller-1", details)


def test_an_id_alone_is_a_line() -> None:
    assert block(person(), SPEAKERS, STYLE) == "  - caller-1\n"
    assert block(person(), SPEAKERS, Style(0, 3, "\r\n"), Comments(["# above"], ["# twice", "# more"])) == (
        "# above\r\n-   caller-1  # twice\r\n    # more\r\n"
    )
    assert flow(person(), SPEAKERS) == "caller-1"


def test_fields_have_the_order_of_the_format() -> None:
    full = person(ticket="T-1", reason="by phone", requested_on="2026-03-02")
    assert block(full, SPEAKERS, STYLE, Comments((), ["# twice"])).splitlines() == [
        "  - id: caller-1  # twice",
        "    requested_on: 2026-03-02",
        "    reason: by phone",
        "    ticket: T-1",
    ]
    assert block(person(reason="by phone", ticket="T-1"), RELEASED, STYLE).splitlines()[1] == "    reason: by phone"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("by phone, twice", "by phone, twice"),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("yes", '"yes"'),
        ("0o17", '"0o17"'),
        ("two\nlines", r'"two\nlines"'),
        ('say "no"', r'"say \"no\""'),
        ("Äußerung", "Äußerung"),
        ("- a", '"- a"'),
        ("a ", '"a "'),
    ],
)
def test_quotes_where_a_reader_could_go_wrong(text: str, written: str) -> None:
    assert block(person(reason=text), SPEAKERS, STYLE) == f"  - id: caller-1\n    reason: {written}\n"


@given(IDS, REASONS, REASONS)
def test_every_reader_reads_what_was_meant(speaker_id: str, reason: str, ticket: str) -> None:
    details: Any = {"reason": reason, "ticket": ticket}
    meant = [{"id": speaker_id, **details}]
    written = Person(speaker_id, details)
    for text in (block(written, SPEAKERS, STYLE), f"[{flow(written, SPEAKERS)}]"):
        assert yaml.safe_load(text) == meant
        assert read_as_editor(text) == meant
    assert yaml.safe_load(f"[{flow(Person(speaker_id), SPEAKERS)}]") == [speaker_id]
