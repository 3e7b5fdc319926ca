import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from tests.tables import each_row
from voiceid_optout.foreign_text import escaped, one_line, printable

FOREIGN = st.lists(
    st.sampled_from([*":#[]a \t\n\r\x1b\x85\u200b\u202e\u2028\ufeff\x9b", "::", "##[", "\x1b[31m"])
).map("".join)


def is_safe(text: str) -> bool:
    """Whether no terminal and no runner acts on any line of the text."""
    shown = [letter for letter in text if letter not in "\n\t"]
    return (
        all(letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in shown)
        and not any(line.strip().startswith("::") for line in text.splitlines())
        and "##[" not in text
    )


@each_row(
    ("text", "shown"),
    [
        ("nothing to hide: a::b", "nothing to hide: a::b"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("beep\x07", "beep\\x07"),
        ("over\rwritten", "over\\x0dwritten"),
        ("dos\r\nlines", "dos\nlines"),
        ("\u202eturned\u200b", "\\u202eturned\\u200b"),
        ("\u2028::add-mask::x", "\\u2028::add-mask::x"),
        ("::add-mask::x", ": :add-mask::x"),
        ("a\n  ::error::x", "a\n  : :error::x"),
        ("x ##[group]y", "x # #[group]y"),
        ("Zürich → ok…", "Zürich → ok…"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_lines_for_a_terminal_or_a_log(text: str, shown: str) -> None:
    assert printable(text) == shown


@each_row(
    ("text", "line"),
    [
        ("  a \n b\t", "a b"),
        ("::add-mask::x", ": :add-mask::x"),
        ("\u202e::add-mask::x", ": :add-mask::x"),
        ("\x1b[2Jx", "[2Jx"),
        ("abcdefgh", "abcd…"),
    ],
)
def test_one_line_of_some_length(text: str, line: str) -> None:
    assert one_line(text, 14 if "::" in text else 5) == line


def test_names_keep_what_is_invisible_as_escapes() -> None:
    assert escaped("two\nlines\x1b\u202e.yaml") == "two\\x0alines\\x1b\\u202e.yaml"
    assert escaped("Zürich.yaml") == "Zürich.yaml"


@given(FOREIGN)
def test_nothing_acts_on_what_is_left(text: str) -> None:
    assert is_safe(printable(text))
    assert is_safe(one_line(text, 50))
    assert escaped(text).isprintable()
