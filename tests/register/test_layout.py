import pytest

from tests.tables import each_row
from voiceid_optout.register.layout import (
    Hunk,
    Patch,
    apply,
    comments_in,
    find_sections,
    hunks,
    redacted,
    section,
    unified,
)


@each_row(
    ("lines", "comments"),
    [
        (["- caller-1"], []),
        (["- caller-1  # twice"], ["# twice"]),
        (["- id#0123456789abcdefghijkl # twice"], ["# twice"]),
        (["- '# text'"], []),
        (["- # first", "  id: a", "  # second", "  ticket: t#1 # third"], ["# first", "# second", "# third"]),
        (["- id: a", "  reason: |", "    # text", "    more # text"], []),
        (["- {id: a,  # first", "   reason: 'x # y'}  # second"], ["# first", "# second"]),
        (["- id: a", "  reason: |-  # header", "    # text", "  # below"], ["# header", "# below"]),
        (["- id: a", "  reason: >2 # header", "     # text"], ["# header"]),
        (["- id: a", "  reason: '| # text'"], []),
        (["- id: a", "  reason: plain", "    over lines # end"], ["# end"]),
    ],
)
def test_comments_are_told_from_text(lines: list[str], comments: list[str]) -> None:
    assert comments_in(lines) == comments


def test_nobody_needs_no_section() -> None:
    assert section([], 2, "\n") == ""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_section_is_found_again_and_nothing_else(end: str) -> None:
    text = section([("a", "ENROLLED")], 2, end)
    around = f"# - b{end}{text}  # - c{end}{text}"
    assert [around[start:stop] for start, stop in find_sections(around)] == [text, text]
    assert find_sections(text.rpartition("  #")[0]) == [], "without its end it is a comment like any other"


TEXT = "".join(f"line {number}\n" for number in range(20))


def test_patches_are_made_in_the_order_of_the_text() -> None:
    assert apply("abc", [Patch(3, 3, "!"), Patch(1, 2, "X"), Patch(0, 0, "1"), Patch(0, 0, "2")]) == "12aXc!"


def test_patches_of_one_line_are_one_change() -> None:
    assert hunks(TEXT, [Patch(5, 5, "x"), Patch(0, 4)]) == [Hunk(0, 1, (" x0",))]
    assert hunks(TEXT, [Patch(0, 0, "")]) == []


def test_changes_far_apart_are_told_apart() -> None:
    patches = [Patch(0, 0, "new\n"), Patch(len(TEXT), len(TEXT), "last\n"), Patch(42, 49)]
    told = list(unified(TEXT.splitlines(), hunks(TEXT, patches), "f.yaml", str.upper))
    assert told == [
        *["--- a/f.yaml", "+++ b/f.yaml"],
        *["@@ -1,10 +1,10 @@", "+NEW", *[f" LINE {number}" for number in range(6)], "-LINE 6"],
        *[" LINE 7", " LINE 8", " LINE 9"],
        *["@@ -18,3 +18,4 @@", " LINE 17", " LINE 18", " LINE 19", "+LAST"],
    ]


@each_row(
    ("line", "shown"),
    [
        ("domain: sandbox", "domain: sandbox"),
        ("domain: sandbox  # asked by caller-1", "domain: sandbox  # …"),
        ('domain: "sandbox" #caller-1', 'domain: "sandbox" #…'),
        ("domain: caller-1 objects", "domain: …"),
        ("    domain: caller-1", "    domain: …"),  # of a reason over several lines
        ("speakers:", "speakers:"),
        ("released: []", "released: []"),
        ("", ""),
        ("  - caller-1", "  - …"),
        ("-   id: caller-1  # twice", "-   id: …"),
        ("    requested_on: 2026-03-02", "    requested_on: …"),
        ("    reason:", "    reason:"),
        ("    folded caller-1", "    …"),
        ("# caller-1", "# …"),
        ("  # - caller-1  # ENROLLED", "  # …"),
        ("speakers: [caller-1]", "speakers: …"),
        ("speakers: # caller-1", "speakers: # …"),
        ("{domain: sandbox, speakers: [caller-1]}", "…"),
        ("\tcaller-1\x0b", "…"),
    ],
)
def test_structure_is_left_and_nothing_about_people(line: str, shown: str) -> None:
    assert redacted(line) == shown
