"""Whole files, before and after."""

import pytest

from tests.register.edits import add, adopt, load, release
from tests.tables import each_row
from voiceid_optout.register.edit import CannotEdit, Person
from voiceid_optout.register.faults import RegisterInvalid
from voiceid_optout.register.layout import find_sections

NEW = Person("caller-9")
FULL = Person("0021", {"ticket": "T: 1", "reason": "by phone, twice", "requested_on": "2026-01-02"})


@each_row(
    ("before", "after"),
    [
        ("- a\n", "- a\n- caller-9\n"),
        ("- a", "- a\n- caller-9"),
        ("- a\r\n", "- a\r\n- caller-9\r\n"),
        ("- a\r", "- a\r- caller-9\r"),
        ("-   a\n", "-   a\n-   caller-9\n"),
        ("  - a\n", "  - a\n  - caller-9\n"),
        ("-\n  a\n", "-\n  a\n- caller-9\n"),
        ("- # about\n  a\n", "- # about\n  a\n- caller-9\n"),
        ("- a\n# end\n", "- a\n- caller-9\n# end\n"),
        ("- id: a\n  # within\n# end", "- id: a\n  # within\n- caller-9\n# end"),
        ("- id: a\n  reason: |\n    text\n\n\n", "- id: a\n  reason: |\n    text\n- caller-9\n\n\n"),
        ("---\n- a\n...\n", "---\n- a\n- caller-9\n...\n"),
        ("- {id: a,\n   ticket: t}  # c\n", "- {id: a,\n   ticket: t}  # c\n- caller-9\n"),
        ("- 'a'  # c\n", "- 'a'  # c\n- caller-9\n"),
        ("[]\n", "- caller-9\n"),
        ("--- []\n", "--- [caller-9]\n"),
        ("[a]\n", "[a, caller-9]\n"),
        ("[\n  a,  # c\n]\n", "[\n  a, caller-9,  # c\n]\n"),
        ("speakers: []\n", "speakers:\n  - caller-9\n"),
        ("speakers: []  # none\n# c\n", "speakers:  # none\n  - caller-9\n# c\n"),
        ("speakers:\n  []\n", "speakers:\n  - caller-9\n"),
        ("speakers: # c\n  []\n", "speakers: # c\n  [caller-9]\n"),
        ("speakers: [ # c\n  ]\n", "speakers: [caller-9 # c\n  ]\n"),
        (
            "speakers: []\nreleased:\n- {id: a, reason: r}\n",
            "speakers:\n- caller-9\nreleased:\n- {id: a, reason: r}\n",
        ),
        ("{speakers: [a], domain: sandbox}", "{speakers: [a, caller-9], domain: sandbox}"),
        ("{speakers: []}\n", "{speakers: [caller-9]}\n"),
        ("{released: [{id: a, reason: r}]}\n", "{released: [{id: a, reason: r}], speakers: [caller-9]}\n"),
        ("released: []\n", "speakers:\n  - caller-9\nreleased: []\n"),
        (
            "domain: sandbox # c\n# r\nreleased: []\n",
            "domain: sandbox # c\nspeakers:\n  - caller-9\n# r\nreleased: []\n",
        ),
        ("? speakers\n: - a\n  - b\n", "? speakers\n: - a\n  - b\n  - caller-9\n"),
    ],
)  # fmt: skip
def test_adding(before: str, after: str) -> None:
    assert add(before, NEW) == after


def test_adding_with_evidence() -> None:
    text = 'requested_on: 2026-01-02\n      reason: by phone, twice\n      ticket: "T: 1"\n'
    assert add("speakers:\n  -   a\n", FULL) == f'speakers:\n  -   a\n  -   id: "0021"\n      {text}'
    inside = '{id: "0021", requested_on: 2026-01-02, reason: "by phone, twice", ticket: "T: 1"}'
    assert add("[a]\n", FULL, NEW) == f"[a, {inside}, caller-9]\n"


@each_row(
    ("before", "after"),
    [
        ("- a\n- b\n", "speakers:\n- a\nreleased:\n- id: b\n  reason: consented\n"),
        ("# top\n\n  - b", "# top\n\nspeakers: []\nreleased:\n  - id: b\n    reason: consented"),
        ("[a, b]\n", "speakers: [a]\nreleased:\n- id: b\n  reason: consented\n"),
        ("speakers: # c\n- b\n", "speakers: [] # c\nreleased:\n- id: b\n  reason: consented\n"),
        ("speakers: [b , a, ]\n", "speakers: [a, ]\nreleased:\n  - id: b\n    reason: consented\n"),
        ("speakers: [a,  b]\n", "speakers: [a]\nreleased:\n  - id: b\n    reason: consented\n"),
        (
            "speakers: [\n  a,  # one\n  b, # two\n]\n",
            "speakers: [\n  a,  # one\n]\nreleased:\n  - id: b  # two\n    reason: consented\n",
        ),
        (
            "speakers: [\n  a,\n  b\n]\n",
            "speakers: [\n  a,\n]\nreleased:\n  - id: b\n    reason: consented\n",
        ),
        (
            "{speakers: [a, b]}\n",
            "{speakers: [a], released: [{id: b, reason: consented}]}\n",
        ),
        (
            "speakers:\n  - a\n\n  - b\n\n  - c\nreleased: []\n",
            "speakers:\n  - a\n\n  - c\nreleased:\n  - id: b\n    reason: consented\n",
        ),
        (
            "speakers:\n- id: b # one\n  # two\n  reason: >-\n    a # b\n  ticket: 't # t' # three\n- c\n# end\n",
            "speakers:\n- c\n# end\nreleased:\n- id: b  # one\n  reason: consented\n  # two\n  # three\n",
        ),
        (
            "  speakers:\n   - b\n   - c\n",
            "  speakers:\n   - c\n  released:\n   - id: b\n     reason: consented\n",
        ),
    ],
)  # fmt: skip
def test_releasing(before: str, after: str) -> None:
    assert release(before, "b") == after


def test_a_released_person_goes_back() -> None:
    before = "speakers: [a]\nreleased:\n  - id: b\n    reason: consented\n  - {id: c, reason: r}\n"
    assert add(before, Person("b"), NEW) == "speakers: [a, b, caller-9]\nreleased:\n  - {id: c, reason: r}\n"
    assert add(before, Person("b"), Person("c")) == "speakers: [a, b, c]\nreleased: []\n"


@each_row("header", ["|", ">", "|-", "|+", ">-", "|2", "|2-"])
def test_a_comment_on_the_header_of_a_block_of_text_goes_along(header: str) -> None:
    before = f"- id: b\n  reason: {header}  # vault 7\n    # no comment\n  # two\n- c\n"
    assert release(before, "b") == "speakers:\n- c\nreleased:\n- id: b  # vault 7\n  reason: consented\n  # two\n"
    back = f"speakers: []\nreleased:\n- id: b\n  reason: {header} # vault 7\n    text\n"
    assert add(back, Person("b")) == "speakers:\n- b  # vault 7\nreleased: []\n"


@each_row(
    ("before", "after"),
    [
        (  # not that at the top of the file, and not across a blank line
            "# top\n- b\n# about c\n# twice\n- c\n",
            "# top\nspeakers:\n- b\nreleased:\n# about c\n# twice\n- id: c\n  reason: consented\n",
        ),
        (
            "speakers:\n  # all\n\n  # about c\n  - c  # c\n  # b\n  - b\n",
            "speakers:\n  # all\n\n  # b\n  - b\nreleased:\n  # about c\n  - id: c  # c\n    reason: consented\n",
        ),
        (  # not what is further left: that speaks of more than the entry
            "speakers:\n# all\n  - c\n  - b\n",
            "speakers:\n# all\n  - b\nreleased:\n  - id: c\n    reason: consented\n",
        ),
        (
            "speakers: [\n  # about c\n  c, # one\n  b\n]\n",
            "speakers: [\n  b\n]\nreleased:\n  # about c\n  - id: c  # one\n    reason: consented\n",
        ),
        (
            "speakers: [\n  b,\n  {id: c, # id\n   ticket: t}, # end\n]\n",
            "speakers: [\n  b,\n]\nreleased:\n  - id: c  # id\n    reason: consented\n    # end\n",
        ),
    ],
)  # fmt: skip
def test_comments_go_along(before: str, after: str) -> None:
    assert release(before, "c") == after


def test_the_section_of_those_not_opted_out_belongs_to_nobody() -> None:
    before = adopt("speakers:\n- a\n", [], [("x", "ENROLLED")]) + "- b\n"
    assert release(before, "b").startswith(before.removesuffix("- b\n"))


@each_row(
    ("text", "place"),
    [
        ("speakers:\n- b # vault 7\n- c\nreleased: [{id: b9, reason: r}]\n", "4: a list in brackets .* line 2"),
        ("speakers:\n- c\n# vault 7\n- b\nreleased: [{id: b9, reason: r}]\n", "5: a list in brackets .* line 4"),
        ("{speakers: [{id: b, # vault 7\n  ticket: t}, c]}\n", "2: a list in brackets .* line 1"),
    ],
)
def test_a_comment_that_has_no_place_in_brackets_is_refused_with_its_line(text: str, place: str) -> None:
    with pytest.raises(CannotEdit, match=f"^config/people.yaml:{place}"):
        release(text, "b")


def test_a_comment_that_has_no_place_in_brackets_is_refused_on_the_way_back() -> None:
    before = "speakers: [b0]\nreleased:\n  - id: b  # vault 7\n    reason: consented\n"
    with pytest.raises(CannotEdit, match=r"config/people.yaml:1: a list in brackets .* from line 3"):
        add(before, Person("b"))


@each_row("header", ["|", ">", "|-", "|+", ">+"])
@each_row("end", ["", "\n", "\n\n\n"])
def test_a_block_of_text_at_the_end_of_the_file(header: str, end: str) -> None:
    before = f"- id: a\n  reason: {header}\n    text{end}"
    assert add(before, NEW).startswith(f"{before.rstrip()}\n- caller-9")
    assert release(f"- b\n{before}", "b").startswith(f"speakers:\n{before.rstrip()}\n")
    assert release(f"{before.rstrip()}\n- b{end}", "b").startswith(f"speakers:\n{before.rstrip()}\n")


@each_row(
    "text", ["? speakers\n: - b\n", "--- [b]\n", "[a,\n b]\n", "? speakers\n: # c\n  - b\n", "[b # c\n, a]\n",
     "speakers: [b # c\n  , a]\n", "speakers: [\n  b # c\n  , a]\n", "speakers: [b, # one\n  a]\n"]
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_place(text: str) -> None:
    with pytest.raises((CannotEdit, RegisterInvalid), match=r"config/people.yaml(:\d)?: .*by hand|yaml-syntax"):
        release(text, "b")


def test_those_not_opted_out_are_listed_as_comments_and_renewed() -> None:
    before = "speakers:\n  - a\nreleased: []\n"
    once = adopt(before, ["b"], [("c", "ENROLLED"), ("d", "PENDING")])
    assert once == (
        "speakers:\n  - a\n  - b\n"
        "  # not opted out in the service (renewed by `optout adopt --include-enrolled`):\n"
        "  # - c  # ENROLLED\n  # - d  # PENDING\n"
        "  # end of those not opted out in the service\n"
        "released: []\n"
    )
    assert adopt(once, [], [("c", "ENROLLED"), ("d", "PENDING")]) == once
    assert adopt(once, ["c"], []) == "speakers:\n  - a\n  - b\n  - c\nreleased: []\n"


@each_row(
    ("before", "people", "above", "below"),
    [
        ("speakers: []  # c\n# d\n", [], "speakers: []  # c\n", "# d\n"),
        ("speakers: []\n", ["b"], "speakers:\n  - b\n", ""),
        ("speakers: [a]\n# d\n", ["b"], "speakers: [a, b]\n", "# d\n"),
        ("{speakers: [a]}\n", [], "{speakers: [a]}\n", ""),
        ("released: []\n", [], "released: []\n", ""),
        ("released: []\n", ["b"], "speakers:\n  - b\n", "released: []\n"),
        ("- a\n...\n", [], "- a\n", "...\n"),
    ],
)
def test_the_comments_have_a_place_in_every_layout(before: str, people: list[str], above: str, below: str) -> None:
    text = adopt(before, people, [("c", "ENROLLED")])
    start, end = find_sections(text)[0]
    assert (text[:start], text[end:]) == (above, below)


def test_every_field_of_everybody_else_is_the_same() -> None:
    before = load("- a\n- {id: b, reason: r}\n")
    after = load(add("- a\n- {id: b, reason: r}\n", NEW))
    assert after.entries[:2] == before.entries
