import gc
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.register.conftest import CASES, DOMAINS, HERE, SANDBOX, faults_of, register_of
from tests.tables import each_row
from voiceid_optout.register import Ensure, Entry, load, load_paths
from voiceid_optout.register.faults import Code, Location, RegisterInvalid

# Faults that no file in a repository can carry; made in test_source.py, test_discover.py, test_events.py.
MADE_ELSEWHERE = {
    Code.MISSING_DIRECTORY,
    Code.NO_FILES,
    Code.NOT_A_FILE,
    Code.IN_SUBDIRECTORY,
    Code.NOT_READ,
    Code.OUTSIDE_TREE,
    Code.UNREADABLE,
    Code.TOO_LARGE,
    Code.TOO_MANY_FAULTS,
}


@each_row("case", CASES)
def test_every_fault_is_told_at_its_place(case: Path) -> None:
    told = [str(fault) for fault in faults_of(case)]
    assert told == (case / "expected.txt").read_text(encoding="utf-8").splitlines()


@each_row("case", CASES)
def test_no_message_carries_what_the_file_says(case: Path) -> None:
    told = "\n".join(fault.message for fault in faults_of(case))
    assert not re.search(r"zq\d|PRIV|phone|0017|zzzz|sandbx|someone", told)


def test_every_code_has_a_case() -> None:
    told = {fault.code for case in CASES for fault in faults_of(case)}
    assert told | MADE_ELSEWHERE == set(Code)
    assert not told & MADE_ELSEWHERE
    for case in CASES:
        assert any(fault.code in case.name for fault in faults_of(case)) or case.name == "ten-faults"


def test_valid_files_in_every_notation() -> None:
    register = load(HERE / "valid", domains=DOMAINS, default_domain="sandbox")
    assert register.files == tuple(
        f"valid/{name}.yaml" for name in ("bare", "flow", "mark-and-crlf", "nobody", "words")
    )
    assert {entry.domain_id for entry in register.entries} == {SANDBOX}
    assert [(entry.speaker_id, str(entry.location)) for entry in register.entries] == [
        ("caller-zq12", "valid/bare.yaml:1:3"),
        ("0017", "valid/bare.yaml:2:3"),
        ("yes", "valid/bare.yaml:4:3"),
        ("1_000", "valid/bare.yaml:5:3"),
        ("caller-zq13", "valid/flow.yaml:2:12"),
        ("caller-zq10", "valid/mark-and-crlf.yaml:3:5"),
        ("caller-zq11", "valid/mark-and-crlf.yaml:4:5"),
        ("id#0123456789abcdefghijkl", "valid/words.yaml:4:5"),
        ("caller-zq14", "valid/words.yaml:5:5"),
        ("caller-zq15", "valid/words.yaml:11:5"),
    ]
    assert register.count(Ensure.RELEASED) == 1


def test_an_entry_carries_its_evidence(tmp_path: Path) -> None:
    text = "released:\n- id: caller-zq01\n  requested_on: 2026-03-02\n  reason: r\n  ticket: T\n"
    (entry,) = register_of(tmp_path, text).entries
    place = Location(f"{tmp_path.name}/people.yaml", 2, 3)
    assert entry == Entry(
        SANDBOX, "caller-zq01", Ensure.RELEASED, *place, requested_on=date(2026, 3, 2), reason="r", ticket="T"
    )


def test_nothing_about_a_person_shows_in_repr(tmp_path: Path) -> None:
    register = register_of(tmp_path, "- id: caller-zq01\n  reason: by phone\n")
    assert "people.yaml" in repr(register)
    for shown in (repr(register), repr(register.entries[0])):
        assert "zq01" not in shown
        assert "phone" not in shown


def test_the_default_domain_may_be_an_id_and_the_file_wins(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- caller-zq01\n")
    (tmp_path / "b.yaml").write_text("domain: sandbox\nspeakers: [caller-zq01]\n")
    register = load(tmp_path, domains=DOMAINS, default_domain="abcdefghijklmnopqrstuv")
    assert [entry.domain_id for entry in register.entries] == ["abcdefghijklmnopqrstuv", SANDBOX]


def test_an_alias_wins_over_a_domain_id_of_the_same_letters(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"domain: {'a' * 22}\nspeakers: [caller-zq01]\n")
    (entry,) = load(tmp_path, domains={"a" * 22: SANDBOX}, default_domain=None).entries
    assert entry.domain_id == SANDBOX


@pytest.mark.parametrize(
    ("default", "code"), [("sandbx", Code.UNKNOWN_ALIAS), ("broken", Code.BAD_ALIAS), (None, Code.NO_DOMAIN)]
)
def test_a_default_domain_that_does_not_do(tmp_path: Path, default: str | None, code: Code) -> None:
    (tmp_path / "a.yaml").write_text("- caller-zq01\n")
    (fault,) = faults_of(tmp_path, default)
    assert (fault.code, fault.location.line) == (code, 1)


def test_an_alias_where_none_is_defined(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("domain: sandbox\nspeakers: []\n")
    with pytest.raises(RegisterInvalid, match="which defines none"):
        load(tmp_path, domains={}, default_domain=None)


def test_one_file_is_a_register_too(tmp_path: Path) -> None:
    register_of(tmp_path, "- caller-zq01\n")
    register = load(tmp_path / "people.yaml", domains=DOMAINS, default_domain="sandbox")
    assert register.files == (f"{tmp_path.name}/people.yaml",)


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    register_of(tmp_path, "- caller-zq01\n")
    paths = [(tmp_path, Path("x")), (tmp_path / "people.yaml", Path("x"))]
    assert len(load_paths(paths, domains=DOMAINS, default_domain="sandbox").entries) == 1


def test_several_places_make_one_register(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "people.yaml").write_text("- caller-zq01\n")
    paths = [(tmp_path / name, Path(name)) for name in ("two", "one")]
    with pytest.raises(RegisterInvalid) as caught:
        load_paths(paths, domains=DOMAINS, default_domain="sandbox")
    (fault,) = caught.value.faults
    assert str(fault).startswith("two/people.yaml:1:3: duplicate-across-files: ")
    assert fault.other == Location("one/people.yaml", 1, 3)


def test_so_many_duplicates_are_shown_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceid_optout.register.MAX_FAULTS", 3)
    (tmp_path / "a.yaml").write_text("domain: sandbox\nspeakers:\n" + "- caller-zq01\n" * 9)
    found = [(fault.code, fault.location.line) for fault in faults_of(tmp_path)]
    assert found == [*((Code.DUPLICATE_SPEAKER, line) for line in (4, 5, 6)), (Code.TOO_MANY_FAULTS, 7)]


@pytest.fixture(scope="module")
def any_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one folder for all examples: pytest looks at all others when it makes one."""
    return tmp_path_factory.mktemp("any")


_WORDS = ("- ", "  ", "id: ", "speakers:", "released:", "&a", "*a", "---\n", "...\n", ": ", "? ", "<<: ", "0017")
_ESCAPES = ('"\\UFFFFFFFF"', '"\\ud800"')
_PIECES = st.sampled_from([*"\nx'\"\\[]{}!|>#%,\t\r@~é\ufeff\x00\u2028", *_WORDS, *_ESCAPES])


@settings(max_examples=3 * settings().max_examples)
@given(st.one_of(st.lists(_PIECES, max_size=30).map("".join).map(str.encode), st.binary(max_size=60)))
def test_no_bytes_break_the_loader(any_folder: Path, data: bytes) -> None:
    (any_folder / "people.yaml").write_bytes(data)
    for fault in faults_of(any_folder, "sandbox"):
        assert fault.location.line <= data.count(b"\n") + data.count(b"\r") + 1
        assert fault.location.column >= 1


def test_it_comes_back_after_a_fault(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("- no good!\n")
    with pytest.raises(RegisterInvalid):
        load(tmp_path, domains={}, default_domain=None)
    assert gc.isenabled()
