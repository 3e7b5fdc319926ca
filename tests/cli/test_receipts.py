"""`optout receipt`: whose receipt is taken, and what it may carry."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.projects import DOMAIN, label_of
from tests.cli.proofs import report, row
from voiceid_optout.evidence import json_ld
from voiceid_optout.evidence.receipt import Receipt, read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.projects import Project

PLANTED = ("planted-1", "planted-2", "planted-3")
OTHER = "OtherDomain00000000002"


@pytest.fixture
def listed(project: Project) -> Project:
    """A project of two people, with the report of a third who was taken out."""
    project.people(*PLANTED[:2])
    report(project, *map(row, PLANTED))
    return project


def take(project: Project, *words: str, code: int = 0, answer: str = "") -> str:
    path = project.root / "report.json"
    result = project.run("receipt", *words, "--stack", "test", "--report", str(path), answer=answer)
    assert result.exit_code == code, result.output
    return result.output


def taken(project: Project, *words: str, answer: str = "") -> Receipt:
    path = project.root / "receipt.json"
    said = take(project, *words, "--output", str(path), answer=answer)
    assert not any(person in said for person in PLANTED)
    return read(path.read_bytes())


@pytest.mark.parametrize("person", PLANTED)
def test_an_id_finds_its_row_also_of_who_was_taken_out(listed: Project, person: str) -> None:
    found = taken(listed, person)
    assert found.row.label == label_of(DOMAIN, person)
    assert found.is_of(person)
    assert found.speaker_id is None
    assert taken(listed, "-", answer=f"{person}\n") == found


def test_a_label_finds_it_too_and_the_register_has_the_opening(listed: Project) -> None:
    assert taken(listed, label_of(DOMAIN, PLANTED[0])) == taken(listed, PLANTED[0])


def test_who_is_in_no_register_has_no_opening_by_the_label(listed: Project) -> None:
    found = taken(listed, label_of(DOMAIN, PLANTED[2]))
    assert found.opening is None
    assert "give the id to reveal it" in take(listed, label_of(DOMAIN, PLANTED[2]), "--reveal", code=2)


def test_nothing_names_anybody_unless_revealed(listed: Project) -> None:
    for form in ("json", "json-ld"):
        assert not [person for person in PLANTED if person in take(listed, PLANTED[0], "--format", form)]
        revealed = take(listed, label_of(DOMAIN, PLANTED[0]), "--format", form, "--reveal")
        assert [person for person in PLANTED if person in revealed] == [PLANTED[0]]


def test_the_file_s_ending_says_the_form_and_nobody_else_reads_it(listed: Project) -> None:
    path = listed.root / "receipt.jsonld"
    said = take(listed, PLANTED[0], "--output", str(path))
    assert said == f"Wrote the receipt of {label_of(DOMAIN, PLANTED[0])} to {path}.\n"
    assert json_ld.read(path.read_bytes()) == taken(listed, PLANTED[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_of_one_id_in_two_domains_one_is_chosen(project: Project) -> None:
    project.configure(domain=DOMAIN, domains={"other": OTHER})
    report(project, row(PLANTED[0]), row(PLANTED[0], OTHER, OTHER))
    assert f"is in several domains: pass --domain with one of {OTHER}, {DOMAIN}" in take(
        project, PLANTED[0], code=1
    )
    assert taken(project, PLANTED[0], "--domain", "other").row.domain_id == OTHER
    assert taken(project, PLANTED[0], "--domain", DOMAIN).row.domain_id == DOMAIN


def test_a_report_of_before_a_change_of_key_is_searched_with_both_keys(project: Project) -> None:
    project.people(*PLANTED)
    project.configure(domain=DOMAIN, domains={"sandbox": DOMAIN}, labelKey="new", previousLabelKey="old")
    report(project, *(row(person, "old") for person in PLANTED))
    assert taken(project, PLANTED[0]).is_of(PLANTED[0])
    project.configure(domain=DOMAIN, domains={"sandbox": DOMAIN}, labelKey="new")
    assert "if the labels have changed their key since then" in take(project, PLANTED[0], code=1)
    assert taken(project, row(PLANTED[0], "old").label).opening is None


@pytest.mark.parametrize(
    ("words", "answer", "code", "said"),
    [
        (("planted-9",), "", 1, "has nobody of that id or label"),
        (("sp-0123456789abcdef",), "", 1, "has nobody of that id or label"),
        (("planted 9",), "", 2, "neither an id nor a label was given"),
        (("-",), "", 2, "the id or label did not come on standard input"),
        (("-",), "planted-9\n", 1, "has nobody of that id or label"),
    ],
)
def test_who_is_not_found_is_not_named(
    listed: Project, words: tuple[str, ...], answer: str, code: int, said: str
) -> None:
    output = take(listed, *words, code=code, answer=answer)
    assert said in output
    assert "planted" not in output


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"status":"OPTED_OUT"', '"status":"ENROLLED"', "the root is not that of the header and the rows"),
        ('{"header":', '{"people":', "line 1: this is not a report"),
    ],
)
def test_no_receipt_is_taken_out_of_a_report_that_was_changed(
    listed: Project, old: str, new: str, said: str
) -> None:
    change(listed.root / "report.json", old, new)
    assert said in take(listed, PLANTED[0], code=11)


def test_no_receipt_is_taken_out_of_a_report_with_another_signature(listed: Project) -> None:
    listed.configure(domain=DOMAIN, domains={"sandbox": DOMAIN})
    listed.salt()
    assert listed.run("keys", "new", "--stack", "test").exit_code == 0
    path = report(listed, *map(row, PLANTED))
    assert taken(listed, PLANTED[0]).signature is not None
    signature: dict[str, Any] = json.loads(path.read_bytes())["signature"]
    change(path, signature["value"], signature["value"][::-1])
    assert "the signature is not one of this root" in take(listed, PLANTED[0], code=11)
