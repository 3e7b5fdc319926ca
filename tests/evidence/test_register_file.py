"""One version of a register file."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tests.evidence.repositories import DOMAIN, OTHER_DOMAIN, block
from tests.tables import each_row
from voiceid_optout.evidence.register_file import RegisterFile, Said, read_file
from voiceid_optout.speakers import Ensure


def read(text: str, domains: dict[str, str] | None = None) -> RegisterFile | None:
    return read_file("1" * 40, text.encode(), domains or {}, None)


def test_a_file_says_whom_it_lists_and_where() -> None:
    found = read(block("a", domain="main", released=("b",)), {"main": DOMAIN})
    assert found is not None
    assert (found.domain_id, found.line("a"), found.line("b")) == (DOMAIN, 3, 5)
    reason = (None, "asked for it", None, None)
    assert found.people == {"a": Said(Ensure.OPTED_OUT), "b": Said(Ensure.RELEASED, reason)}


@each_row("text", ["speakers: 7\n", block("a", "a"), block("a", domain="unknown"), "\x01", "- a\n"])
def test_a_file_with_a_fault_says_nothing(text: str) -> None:
    assert read(text, {"main": OTHER_DOMAIN}) is None


# Lines that registers have, and lines that mean something else where they stand.
LINES = st.sampled_from(
    [
        *(
            f"  - {one}"
            for one in ("a", "b", "c1", "a # a comment", '"a"', "'b'", "0017", "id#x", "yes", "[d]", "&x a", "*x")
        ),
        *(f"  - id: {one}" for one in ("a", "b", "c1", "d # who")),
        *(
            "    reason: by phone",
            "    ticket: PRIV-7",
            "    requested_on: 2026-03-02",
            '    reason: "in # quotes"',
        ),
        *(
            "    reason: 'open",
            '    reason: "open',
            "    reason: |",
            "      - a",
            "    - a",
            "      more words",
            "    id: e",
        ),
        *(
            "    reason: a: b",
            "    reason: see https://example.org/#7",
            "    reason: cut #here",
            "    reason: Gespräch",
        ),
        *(
            "speakers:",
            "released:",
            "speakers: []",
            "released: [f]",
            f"domain: {DOMAIN}",
            f"domain: {OTHER_DOMAIN}",
        ),
        *(
            "",
            "# a comment",
            "    # a comment further in",
            "---",
            "...",
            "- a",
            "- b",
            " - a",
            "\t- a",
            "<<<<<<< ours",
        ),
        *(
            "  - ticket: PRIV-8",
            "  -  a",
            "  -",
            "  - - a",
            "  - a: b",
            "a",
            "%YAML 1.1",
            "    reason: x\u2028- b",
            "  - \x07",
        ),
    ]
)
HEADS = st.sampled_from(
    [
        f"domain: {DOMAIN}\nspeakers:\n",
        "speakers:\n",
        "released:\n",
        "",
        "---\nspeakers:\n",
        "# people\nspeakers:\n",
    ]
)
ENDS = st.sampled_from(["\n", ""])
PEOPLE = st.lists(st.integers(10, 40).map(lambda number: f"  - caller-{number}"), unique=True, max_size=12)


@st.composite
def versions(draw: st.DrawFn) -> list[bytes]:
    """Return a file and what becomes of it: lines go, come, and move."""
    lines = draw(PEOPLE) + draw(st.lists(LINES, max_size=3))
    head = draw(HEADS)
    found = [head + "\n".join(lines) + draw(ENDS)]
    for _ in range(draw(st.integers(1, 4))):
        for _ in range(draw(st.integers(1, 3))):
            start = draw(st.integers(0, len(lines)))
            end = draw(st.integers(start, min(len(lines), start + 2)))
            lines[start:end] = draw(
                st.lists(LINES | st.integers(10, 40).map(lambda n: f"  - caller-{n}"), max_size=2)
            )
        if draw(st.booleans()):
            head = draw(HEADS)
        found.append(head + "\n".join(lines) + draw(ENDS))
    return [text.encode() for text in found]


@given(versions())
@example([b"speakers:\n  - a\n", b"speakers:\n\n"])
@example([b"speakers:\n  - a\ndomain: main\n", b"speakers:\n  - a\ndomain: main\n  - b\n"])
@example([b"speakers:\n  - a\n  - b\n", b"speakers:\n  - b\nreleased:\n  - id: a\n    reason: x\n"])
@example([b"speakers:\n  - a\nreleased:\n", b"speakers:\n  - b\n  - a\n"])
@example([b"- a\n- b", b"- a\n- b\n- a"])
@example([b"speakers:\n  - a\n  - b\n", b"speakers:\n  - a\n    reason: |\n  - b\n"])
def test_a_version_read_by_its_difference_says_what_the_parser_says(texts: list[bytes]) -> None:
    base = None
    for text in texts:
        whole = read_file("1" * 40, text, {"main": DOMAIN}, DOMAIN)
        quick = read_file("1" * 40, text, {"main": DOMAIN}, DOMAIN, base)
        assert (quick is None) == (whole is None)
        if quick is None or whole is None:
            continue
        assert (quick.domain_id, quick.everybody()) == (whole.domain_id, whole.people)
        assert [quick.line(one) for one in quick.everybody()] == [whole._lines[one] for one in quick.everybody()]
        quick.take_over()
        assert quick.people == whole.people
        base = quick


def test_an_entry_more_is_read_without_the_others() -> None:
    """Else the test before would compare the parser with itself."""
    base = read(block(*(f"caller-{number}" for number in range(50)), released=("d1",)))
    people = [f"caller-{number}" for number in range(51)]
    del people[7]
    found = read_file("2" * 40, block(*people, released=("d1", "d2")).encode(), {}, None, base)
    assert found is not None
    assert found.difference is not None
    assert found.difference.gone.keys() == {"caller-7"}
    assert found.difference.came.keys() == {"caller-50", "d2"}
