"""Where a syntax error is shown."""

import pytest

from voiceid_optout.register.document import read_document
from voiceid_optout.register.events import Events


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("- [a\n", "1:3"),  # what is open to the end is shown where it begins
        ("speakers:\n  - 'a\n  - b\n\n\n", "2:5"),
        ("[", "1:1"),  # and never after the last character
        ("- {id: a, reason: x\n- b", "1:3"),
        ("- 'a' b\n- c\n", "1:7"),
        ("- id: a\n\t  reason: x\n", "2:1"),
        ("- id: a\n  \treason: x\n", "2:3"),
        ("- id: a\n  reason: x: y\tz\n", "2:12"),  # a tab elsewhere is no tab in the indentation
    ],
)
def test_the_place_is_one_to_look_at(text: str, place: str, parser: type) -> None:
    fault = read_document(Events(text.encode(), "f", parser)).faults[-1]
    assert str(fault).startswith(f"f:{place}: "), fault
    assert fault.code in {"yaml-syntax", "tab-indentation"}


def test_a_fault_far_below_names_where_its_cause_begins(parser: type) -> None:
    text = "domain: sandbox\nspeakers:\n  - a\n  - b\nreleased:\n  - id: c\n x: y\n"
    fault = read_document(Events(text.encode(), "f", parser)).faults[-1]
    assert str(fault).startswith("f:7:2: yaml-syntax: ")
    assert fault.message.endswith("it begins at line 1, column 1")


def test_words_of_the_parser_are_not_passed_on(parser: type) -> None:
    text = "- caller-1\n- !caller-2!x y\n"
    assert "caller" not in str(read_document(Events(text.encode(), "f", parser)).faults)
