"""`optout verify`: what it says of files, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.projects import DOMAIN
from tests.cli.proofs import report, row
from voiceid_optout.evidence.signing import public_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.projects import Project

PLANTED = ("planted-1", "planted-2")
PRIVATE = "1" * 64
PUBLIC = public_key(PRIVATE)


@pytest.fixture
def signing(project: Project) -> Project:
    """A project whose stack has a key."""
    project.people(*PLANTED)
    project.configure(
        domain=DOMAIN, domains={"sandbox": DOMAIN}, reportKey=PRIVATE, reportPublicKeys=f"{PUBLIC} {'a' * 64}"
    )
    return project


def verify(project: Project, *words: str | Path, code: int = 0, answer: str = "") -> str:
    result = project.run("verify", *map(str, words), answer=answer)
    assert result.exit_code == code, result.output
    assert "planted" not in result.output
    return result.output


def receipt(project: Project, path: Path, person: str = PLANTED[0], *options: str) -> Path:
    made = project.root / "receipt.json"
    words = ("receipt", person, "--stack", "test", "--report", str(path), "--output", str(made), *options)
    result = project.run(*words)
    assert result.exit_code == 0, result.output
    return made


def nights(project: Project, count: int) -> list[Path]:
    found: list[Path] = []
    for day in range(count):
        previous = json.loads(found[-1].read_bytes())["root"] if found else None
        found.append(report(project, *map(row, PLANTED), previous=previous, name=f"{day}.json", day=20 + day))
    return found


def test_a_signed_report_is_verified_by_the_stack_s_file(signing: Project) -> None:
    path = report(signing, *map(row, PLANTED))
    root = json.loads(path.read_bytes())["root"]
    assert verify(signing, path).splitlines() == [
        f"{path}: verified: a report of 2 people",
        "  stack    voiceid-optout/test",
        "  made     2026-11-27T03:23:00Z",
        f"  root     {root}",
        "  follows  no report before it",
        f"  signed   by {PUBLIC}, which Pulumi.test.yaml names",
    ]


def test_a_report_signed_by_an_earlier_key_is_verified(signing: Project) -> None:
    path = report(signing, *map(row, PLANTED))
    signing.configure(domain=DOMAIN, reportKey="2" * 64, reportPublicKeys=f"{public_key('2' * 64)} {PUBLIC}")
    assert f"signed   by {PUBLIC}, which Pulumi.test.yaml names" in verify(signing, path)


def test_it_needs_no_checkout_but_then_a_public_key(signing: Project, tmp_path: Path) -> None:
    path = report(signing, *map(row, PLANTED))
    (signing.root / "Pulumi.yaml").unlink()
    assert f"NOT VERIFIED: it is signed by a key that nothing here vouches for: {PUBLIC}" in verify(
        signing, path, code=11
    )
    assert f"by {PUBLIC}, which --public-key names" in verify(signing, path, "--public-key", PUBLIC.upper())
    assert "vouches for" in verify(signing, path, "--public-key", "a" * 64, code=11)


def test_the_keys_of_another_project_do_not_count(signing: Project) -> None:
    path = report(signing, *map(row, PLANTED))
    (signing.root / "Pulumi.yaml").write_text("name: another\nruntime: python\n", encoding="utf-8")
    assert "vouches for" in verify(signing, path, code=11)


def test_a_key_on_the_command_line_wins_over_those_of_the_file(signing: Project) -> None:
    path = report(signing, *map(row, PLANTED))
    assert "vouches for" in verify(signing, path, "--public-key", "b" * 64, code=11)


def test_an_unsigned_report_is_said_to_be_and_refused_where_a_key_is_known(project: Project) -> None:
    path = report(project, *map(row, PLANTED))
    assert "  signed   by nobody, it is whole, but nothing here says who made it" in verify(project, path)
    project.configure(domain=DOMAIN, reportPublicKeys=PUBLIC)
    assert "NOT VERIFIED: it is not signed" in verify(project, path, code=11)


def test_a_receipt_is_compared_with_an_id(signing: Project) -> None:
    made = receipt(signing, report(signing, *map(row, PLANTED)))
    assert f"{made}: verified: the receipt of {row(PLANTED[0]).label}" in verify(signing, made)
    assert "verified: the receipt" in verify(signing, made, "--id", "-", answer=f"{PLANTED[0]}\n")
    assert "not about the person with this id" in verify(signing, made, "--id", "-", answer="planted-2\n", code=11)
    assert "not about the person with this id" in verify(signing, made, "--id", "planted-9", code=11)


def test_an_id_without_a_receipt_is_a_mistake(signing: Project) -> None:
    path = report(signing, *map(row, PLANTED))
    assert "--id is compared with receipts, and none was given" in verify(signing, path, "--id", PLANTED[0], code=2)


def test_a_chain_is_verified_and_its_gap_is_named(signing: Project) -> None:
    first, second, third = nights(signing, 3)
    said = verify(signing, first, second, third)
    assert said.endswith("The 3 files follow one another, and none is missing between them.\n")
    said = verify(signing, first, third, code=11)
    assert (
        f"{third}: NOT VERIFIED: a report is missing between 2026-11-20T03:23:00Z and 2026-11-22T03:23:00Z" in said
    )
    assert said.endswith("error: 1 of 2 not verified\n")


def test_what_was_changed_is_said_with_its_line(signing: Project) -> None:
    path = report(signing, *map(row, PLANTED))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("OPTED_OUT", "ENROLLED", 1), encoding="utf-8")
    assert f"{path}: NOT VERIFIED: line 4: the root is not that of the header and the rows" in verify(
        signing, path, code=11
    )


def test_what_is_neither_or_not_there_ends_as_a_mistake(signing: Project) -> None:
    path = report(signing, *map(row, PLANTED))
    stack = signing.root / "Pulumi.test.yaml"
    said = verify(signing, path, stack, signing.root / "nowhere.json", signing.root, code=2)
    assert f"{stack}: not checked: this is neither a report nor a receipt" in said
    assert "nowhere.json: not checked: it cannot be read: No such file or directory" in said
    assert "it cannot be read: Is a directory" in said
    assert said.endswith("error: 3 of 4 could not be checked\n")


@pytest.mark.parametrize("key", ["", "a" * 63, "g" * 64])
def test_what_is_no_public_key_or_root_is_refused(signing: Project, key: str) -> None:
    assert "a public key is 64 hexadecimal digits" in verify(signing, "x.json", "--public-key", key, code=2)
    assert "a root is 64 hexadecimal digits" in verify(signing, "x.json", "--root", key, code=2)


def test_a_known_root_vouches_for_its_report_and_for_those_that_lead_to_it(project: Project) -> None:
    files = nights(project, 3)
    roots = [json.loads(path.read_bytes())["root"] for path in files]
    project.configure(domain=DOMAIN, reportPublicKeys=PUBLIC)
    assert verify(project, *files, code=11).count("NOT VERIFIED: it is not signed") == 3
    assert verify(project, *files, "--root", roots[2]).count("signed   by nobody, and --root leads to it") == 3
    said = verify(project, *files, "--root", roots[1], code=11)
    assert said.count("leads to it") == 2
    assert f"{files[2]}: NOT VERIFIED: its root is not the one of --root, and does not lead to it" in said
    made = receipt(project, files[2])
    assert "--root leads to it" in verify(project, made, "--root", roots[2])


def test_a_known_root_does_not_hide_a_gap(project: Project) -> None:
    first, _, third = nights(project, 3)
    root = json.loads(third.read_bytes())["root"]
    said = verify(project, first, third, "--root", root, code=11)
    assert f"{third}: NOT VERIFIED: a report is missing" in said
    assert f"{first}: NOT VERIFIED: its root is not the one of --root" in said


def test_programs_get_all_of_it_as_json(signing: Project) -> None:
    first, second = nights(signing, 2)
    broken = signing.root / "broken.json"
    broken.write_bytes(first.read_bytes()[:-1])
    result = signing.run("verify", str(first), str(second), str(broken), "--format", "json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verified"]) == (11, False)
    assert [file["verified"] for file in found["files"]] == [True, True, False]
    one = found["files"][1]
    assert (one["kind"], one["people"], one["signed_by"]) == ("report", 2, PUBLIC)
    assert one["previous"] == found["files"][0]["root"]
    assert found["files"][2] == {
        "file": str(broken),
        "verified": False,
        "problem": "line 4: the report ends in the middle: it was cut",
    }


@pytest.mark.parametrize("stack", ["../test", "a/b", "", "x" * 300])
def test_a_stack_with_a_name_that_leads_elsewhere_has_no_file(signing: Project, stack: str) -> None:
    path = report(signing, *map(row, PLANTED), stack=stack)
    assert "vouches for" in verify(signing, path, code=11)
