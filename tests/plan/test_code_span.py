import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from voiceid_optout.plan.code_span import cell, code
from voiceid_optout.plan.words import clean

# CommonMark with GitHub's tables, and HTML passed through: what gets past the span is seen as a token.
PARSER = MarkdownIt("commonmark").enable("table")

NASTY = [
    "@octocat please look",
    "fixes #12, GH-7, org/repo#3 and a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0",
    "https://evil.example/x www.evil.example robin@evil.example",
    "<script>alert(1)</script><img src=x onerror=alert(1)> <!-- marker -->",
    "[link](javascript:alert(1)) ![image](//evil.example/x.png)",
    "a | b || c",
    r"back\slash \| pipe \\| and \\\| more|",
    "`tick` ``two`` ``` three",
    "`",
    "``",
    "ends with `",
    "*bold* _em_ ~~gone~~ # head > quote - item 1. item $x^2$ :tada: &amp; &lt;",
    "---\n===\n\n    code\n| a |",
    "</details></td></table>",
    "\u202eturned \x1b[31m",
]


def spans(markdown: str) -> list[str]:
    """Return the texts in code of a paragraph that must hold nothing else."""
    tokens = PARSER.parse(markdown)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"code_inline"}
    return [child.content for child in children]


def cells(markdown: str) -> list[list[tuple[str, str]]]:
    """Return what the cells of a table's only row hold: the type and the content of each part."""
    tokens = PARSER.parse(f"| a | b |\n| --- | --- |\n| {markdown} | end |\n")
    assert tokens[0].type == "table_open"
    assert tokens[-1].type == "table_close"
    inlines = [token for token in tokens if token.type == "inline"]
    assert [token.content for token in inlines[:2]] == ["a", "b"]
    return [[(child.type, child.content) for child in token.children or []] for token in inlines[2:]]


@pytest.mark.parametrize("text", NASTY)
def test_in_code_nothing_means_anything(text: str) -> None:
    assert spans(code(text)) == [clean(text, 200)]


@pytest.mark.parametrize("text", NASTY)
def test_in_a_cell_a_bar_ends_nothing(text: str) -> None:
    ((part,), end) = cells(cell(text))
    assert part[0] == "code_inline"
    assert part[1].replace("\\ ", "\\") == clean(text, 200).replace("\\ ", "\\")
    assert end == [("text", "end")]


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("`|\\ a@#<\n"), max_size=30) | st.text(max_size=60))
@example("`a` |")
def test_whatever_the_text(text: str) -> None:
    line = clean(text, 200)
    if not line:
        assert code(text) == cell(text) == ""
        return
    assert spans(code(text)) == [line]
    ((part,), end) = cells(cell(text))
    assert part[0] == "code_inline"
    assert part[1].replace("\\ ", "\\") == line.replace("\\ ", "\\")
    assert end == [("text", "end")]


def test_a_text_is_cut() -> None:
    assert code("a" * 300, 10) == "`aaaaaaaaa…`"
    assert cell("a" * 300, 10) == "`aaaaaaaaa…`"
