from pathlib import Path

import pytest

from tests.register.conftest import SANDBOX, faults_of, register_of
from tests.tables import each_row
from voiceid_optout.register.document import EVIDENCE, NO_EVIDENCE, Entry
from voiceid_optout.register.faults import Location
from voiceid_optout.speakers import Ensure


def test_a_domain_below_the_lists_is_that_of_everybody(tmp_path: Path) -> None:
    text = "speakers:\n- caller-zq01\ndomain: other\nreleased:\n- {id: caller-zq02, reason: r}\n"
    register = register_of(tmp_path, text)
    assert {entry.domain_id for entry in register.entries} == {register.domain_ids[f"{tmp_path.name}/people.yaml"]}
    assert SANDBOX not in {entry.domain_id for entry in register.entries}


def test_the_first_of_two_domains_is_that_of_everybody(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text("speakers: [a-1]\ndomain: other\nreleased: []\ndomain: sandbox\n")
    assert [fault.code for fault in faults_of(tmp_path)] == ["duplicate-key"]


@each_row(
    ("before", "after", "codes"),
    [
        ("'yes'", "yes", ["needs-quotes"]),
        ("'17'", "17", ["not-text"]),
        ("!!str yes", "yes", ["tag", "needs-quotes"]),
        ("by mail", "by mail #1", ["cut-by-comment"]),
        ("x", "'x'", []),
    ],
)
def test_a_text_is_looked_at_again_where_it_is_written_otherwise(
    tmp_path: Path, before: str, after: str, codes: list[str]
) -> None:
    (tmp_path / "people.yaml").write_text(
        f"- id: caller-1\n  reason: {before}\n- id: caller-2\n  reason: {after}\n"
    )
    assert [fault.code for fault in faults_of(tmp_path, "sandbox")] == codes


@pytest.mark.parametrize("quote", ["", "'"])
def test_what_entries_have_in_common_is_there_once(tmp_path: Path, quote: str) -> None:
    said = f"requested_on: 2026-03-02\n  ticket: {quote}PRIV-1{quote}\n  reason: {quote}by mail{quote}"
    one, other = register_of(tmp_path, f"- id: caller-1\n  {said}\n- id: caller-2\n  {said}\n").entries
    assert one.evidence == other.evidence != NO_EVIDENCE
    assert all(mine is yours for mine, yours in zip(one.evidence, other.evidence, strict=True))
    assert (one.file, one.domain_id) == (other.file, other.domain_id)
    assert one.file is other.file
    assert one.domain_id is other.domain_id


def test_an_entry_tells_its_place_and_its_evidence() -> None:
    entry = Entry("D" * 22, "caller-1", Ensure.OPTED_OUT, "a.yaml", 3, 5, ticket="T")
    assert entry.location == Location("a.yaml", 3, 5)
    assert entry.at(Location("b.yaml", 7, 3)) == entry._replace(file="b.yaml", line=7, column=3)
    assert dict(zip(EVIDENCE, entry.evidence, strict=True)) == {
        "requested_on": None,
        "reason": None,
        "ticket": "T",
        "review_on": None,
    }
