from pathlib import Path

import pytest
import yaml

from tests.register.conftest import FILES
from tests.tables import each_row
from voiceid_optout.register.document import read_document
from voiceid_optout.register.events import MAX_FAULTS, Events, open_parser
from voiceid_optout.register.faults import Code, Fault, RegisterInvalid
from voiceid_optout.register.sources import Source, read


def faults_of(data: bytes, parser: type) -> list[Fault]:
    return read_document(Events(data, "people.yaml", parser)).faults


@each_row("path", FILES)
def test_the_parser_does_not_matter(path: Path) -> None:
    try:
        data = read(Source(path, "f", path.parent))
    except RegisterInvalid:
        return
    one, other = (faults_of(data, parser) for parser in (yaml.CSafeLoader, yaml.SafeLoader))
    assert [(fault.code, fault.location.line, fault.message) for fault in one] == [
        (fault.code, fault.location.line, fault.message) for fault in other
    ]
    syntax = (Code.YAML_SYNTAX,)  # of the same line, the two may show another column
    assert [fault for fault in one if fault.code not in syntax] == [
        fault for fault in other if fault.code not in syntax
    ]


def test_libyaml_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_parser(b""), yaml.CSafeLoader)
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert isinstance(open_parser(b""), yaml.SafeLoader)


def test_a_file_of_faults_ends_early(parser: type) -> None:
    faults = faults_of(b"- ''\n" * (MAX_FAULTS + 5), parser)
    assert len(faults) == MAX_FAULTS + 1
    assert {fault.code for fault in faults[:-1]} == {Code.BAD_ID}
    assert faults[-1].code is Code.TOO_MANY_FAULTS
    assert faults[-1].location.line == MAX_FAULTS + 1


def test_nesting_ends_early(parser: type) -> None:
    faults = faults_of(b"x: " + b"[" * 200, parser)
    assert [fault.code for fault in faults] == [Code.UNKNOWN_KEY, Code.TOO_DEEP]


def test_an_escape_that_is_no_character(parser: type) -> None:
    for data in (b'- "\\UFFFFFFFF"\n', b'- "\\ud800"\n'):
        (fault,) = faults_of(data, parser)
        assert fault.code in {Code.YAML_SYNTAX, Code.BAD_ID}


def test_half_of_a_pair_is_no_text() -> None:
    (fault,) = faults_of(b'- id: a\n  reason: "\\ud800"\n', yaml.SafeLoader)
    assert str(fault).startswith("people.yaml:2:11: unprintable-text")


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
