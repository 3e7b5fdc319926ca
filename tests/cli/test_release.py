from pathlib import Path

import pytest

from tests.cli.projects import DOMAIN, Project
from voiceid_optout.cli.exit_codes import ExitCode

TEXT = """\
domain: sandbox
speakers:
  - caller-1
  # about the next
  - id: caller-2  # twice
    reason: objection
"""


@pytest.fixture
def people(project: Project) -> Path:
    path = project.root / "config" / "people.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_person_moves_with_the_reason_for_it(project: Project, people: Path) -> None:
    result = project.run("release", "caller-2", "--reason", "consented again", "--ticket", "T-9")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert result.stdout.startswith("Released 1 person: config/people.yaml:6\nNext: ")
    assert people.read_text() == (
        "domain: sandbox\nspeakers:\n  - caller-1\n"
        "released:\n  # about the next\n  - id: caller-2  # twice\n    reason: consented again\n    ticket: T-9\n"
    )
    again = project.run("release", "caller-2", "--reason", "consented again")
    assert (again.exit_code, again.stderr.splitlines()[1]) == (
        ExitCode.USAGE,
        "  the 1st id: already released at config/people.yaml:6",
    )


def test_a_mere_list_becomes_one_with_keys(project: Project, people: Path) -> None:
    people.write_text("# them\n- caller-1\n- caller-2\n")
    assert project.run("release", "caller-1", "--reason", "consented").exit_code == ExitCode.DONE
    assert people.read_text() == ("# them\nspeakers:\n- caller-2\nreleased:\n- id: caller-1\n  reason: consented\n")


@pytest.mark.parametrize("reason", [[], ["--reason", ""], ["--reason", "  "]])
def test_a_release_needs_a_reason(project: Project, people: Path, reason: list[str]) -> None:
    result = project.run("release", "caller-1", *reason)
    assert result.exit_code == ExitCode.USAGE
    assert "--reason" in result.stderr
    assert people.read_text() == TEXT


def test_reasons_may_come_from_a_table(project: Project, people: Path, tmp_path: Path) -> None:
    table = tmp_path / "consents.csv"
    table.write_text("id,reason\ncaller-1,consented\ncaller-2,\n")
    result = project.run("release", "--from-csv", str(table))
    assert result.exit_code == ExitCode.USAGE
    assert f"{table}:3: released without a reason" in result.stderr
    assert project.run("release", "--from-csv", str(table), "--reason", "moved away").exit_code == ExitCode.DONE
    assert (
        "reason: consented\n  # about the next\n  - id: caller-2  # twice\n    reason: moved away\n"
        in people.read_text()
    )
    assert "speakers: []\nreleased:" in people.read_text()


def test_who_is_not_there_is_told_by_position(project: Project, people: Path) -> None:
    result = project.run("release", "caller-1", "nobody", "--reason", "r")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == (
        "error: cannot release one person; nothing was changed:\n  the 2nd id is not in the register\n"
    )
    assert people.read_text() == TEXT


def test_one_id_in_two_domains_needs_the_domain(project: Project, people: Path) -> None:
    other = people.with_name("other.yaml")
    other.write_text(f"domain: {DOMAIN[::-1]}\nspeakers: [caller-1]\n")
    result = project.run("release", "caller-1", "--reason", "r")
    assert (
        "the 1st id is listed in several domains, at config/other.yaml:2 and config/people.yaml:3" in result.stderr
    )
    assert project.run("release", "caller-1", "--reason", "r", "--domain", DOMAIN[::-1]).exit_code == ExitCode.DONE
    assert "released:" in other.read_text()
    assert people.read_text() == TEXT


def test_an_edit_that_would_make_the_file_invalid_is_refused(project: Project, people: Path) -> None:
    people.write_text("? speakers\n: # c\n  - caller-1\n")
    result = project.run("release", "caller-1", "--reason", "r")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.startswith("error: config/people.yaml: this is written in a way that the command does not")
    assert people.read_text() == "? speakers\n: # c\n  - caller-1\n"


def test_a_dry_run_writes_nothing(project: Project, people: Path) -> None:
    result = project.run("release", "-", "--reason", "r", "--dry-run", answer="caller-1\n")
    assert result.stdout.endswith(
        "+released:\n+  - id: …\n+    reason: …\n"
        "Would release 1 person: config/people.yaml:7\nNothing was written: run it again without --dry-run.\n"
    )
    assert "caller" not in result.output
    assert people.read_text() == TEXT
