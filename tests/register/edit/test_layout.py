import pytest

from voiceid_optout.register.edit.layout import comments_in, find_sections, section


@pytest.mark.parametrize(
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
