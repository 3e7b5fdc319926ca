"""The verdict for people, for GitHub and for programs."""

import json
from pathlib import Path

from tests.register.conftest import register_of
from voiceid_optout.register import Code, Fault, Location, RegisterInvalid
from voiceid_optout.register.report import as_json, github, summary

ONE = Fault(Location("a.yaml", 3, 5), Code.BAD_ID, "not a speaker id")
TWO = Fault(Location("b.yaml", 1, 2), Code.DUPLICATE_SPEAKER, "keep one", Location("a.yaml", 4, 5))


def test_summary(tmp_path: Path) -> None:
    assert summary([ONE]) == "1 fault in 1 file"
    assert summary([ONE, TWO, TWO]) == "3 faults in 2 files"
    assert summary(register_of(tmp_path, "- a\n")) == "ok: 1 person in 1 file, 0 released"


def test_github_escapes_what_it_would_take_for_its_own() -> None:
    fault = Fault(Location("100%,x:\ny.yaml", 3, 5), Code.BAD_ID, "50% of: this,\r\nthat")
    assert list(github([fault])) == [
        "::error file=100%25%2Cx%3A%0Ay.yaml,line=3,col=5,title=bad-id::50%25 of: this,%0D%0Athat"
    ]


def test_json_of_faults() -> None:
    told = json.loads(as_json([ONE, TWO]))
    assert told == {
        "version": 1,
        "valid": False,
        "files": None,
        "people": None,
        "released": None,
        "faults": [
            {
                "file": "a.yaml",
                "line": 3,
                "column": 5,
                "code": "bad-id",
                "message": "not a speaker id",
                "other": None,
            },
            {
                "file": "b.yaml",
                "line": 1,
                "column": 2,
                "code": "duplicate-speaker",
                "message": "keep one",
                "other": {"file": "a.yaml", "line": 4, "column": 5},
            },
        ],
        "warnings": [],
    }


def test_json_of_a_register(tmp_path: Path) -> None:
    told = json.loads(as_json(register_of(tmp_path, "released:\n- {id: a, reason: r}\n")))
    assert told | {"files": []} == {
        "version": 1,
        "valid": True,
        "files": [],
        "people": 1,
        "released": 1,
        "faults": [],
        "warnings": [],
    }


def test_faults_come_by_file_line_and_column() -> None:
    later = Fault(Location("a.yaml", 10, 1), Code.BAD_ID, "")
    assert RegisterInvalid([TWO, later, ONE]).faults == (ONE, later, TWO)
