from __future__ import annotations

import stat
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.projects import DOMAIN, Project
from voiceid_optout.cli import register_files
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.register_files import opened
from voiceid_optout.register import Ensure
from voiceid_optout.register.edit import FileChange, Person

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from voiceid_optout.register import Register
    from voiceid_optout.register.faults import Fault

TEXT = """\
# People who objected.
domain:   sandbox   # the sandbox
speakers:
  -  caller-1   # said so twice

released:
  - {id: caller-2, reason: consented}
"""


@pytest.fixture
def people(project: Project) -> Path:
    path = project.root / "config" / "people.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_person_gets_a_line_and_the_rest_stays(project: Project, people: Path) -> None:
    people.chmod(0o640)
    result = project.run(
        "add", "caller-9", "--reason", "by phone", "--ticket", "T-1", "--requested-on", "2026-03-02"
    )
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert result.stdout.splitlines() == [
        "Added 1 person: config/people.yaml:5",
        "Next: `optout preview` shows what this changes, and `optout up` does it.",
    ]
    added = "  -  id: caller-9\n     requested_on: 2026-03-02\n     reason: by phone\n     ticket: T-1\n"
    assert people.read_text() == TEXT.replace("twice\n", f"twice\n{added}")
    assert stat.S_IMODE(people.stat().st_mode) == 0o640
    assert list(people.parent.iterdir()) == [people]
    assert project.run("validate").exit_code == ExitCode.DONE


def test_a_day_of_review_goes_to_either_list_and_a_past_one_is_warned_of(project: Project, people: Path) -> None:
    assert project.run("add", "caller-9", "--review-on", "2999-03-02").stderr == ""
    added = "  -  id: caller-9\n     review_on: 2999-03-02\n"
    assert people.read_text() == TEXT.replace("twice\n", f"twice\n{added}")
    result = project.run("release", "caller-1", "--reason", "consented", "--review-on", "2998-01-01")
    assert result.exit_code == ExitCode.DONE
    released = "  - id: caller-1  # said so twice\n    reason: consented\n    review_on: 2998-01-01\n"
    assert people.read_text().endswith(released)
    assert f"speakers:\n{added}" in people.read_text()  # the entry beside it keeps its own
    late = project.run("add", "caller-8", "--review-on", "2020-01-01")
    assert late.exit_code == ExitCode.DONE
    assert late.stderr.startswith("config/people.yaml:6: warning: the day in review_on is past: decide about")
    wrong = project.run("add", "caller-7", "--review-on", "2021-02-29")
    assert (wrong.exit_code, "--review-on: not a day" in wrong.stderr) == (ExitCode.USAGE, True)


def test_a_day_of_review_from_a_table_is_not_shown_in_a_diff(project: Project, people: Path) -> None:
    table = project.root / "new.csv"
    table.write_text("id,review_on\ncaller-9,2999-03-02\n")
    result = project.run("add", "--from-csv", str(table), "--dry-run")
    assert "+     review_on: …" in result.stdout
    assert "2999" not in result.output
    assert project.run("add", "--from-csv", str(table)).exit_code == ExitCode.DONE
    assert "     review_on: 2999-03-02\n" in people.read_text()


def test_in_a_repository_the_next_step_is_a_review(project: Project, people: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    assert project.run("add", "caller-9").stdout.splitlines()[1:] == [
        "Next: look at it (`git diff config/people.yaml`), commit it on a branch, open a pull request.",
    ]


def test_a_byte_order_mark_stays(project: Project, people: Path) -> None:
    people.write_bytes(b"\xef\xbb\xbf- caller-1\r\n")
    assert project.run("add", "caller-9").exit_code == ExitCode.DONE
    assert people.read_bytes() == b"\xef\xbb\xbf- caller-1\r\n- caller-9\r\n"


def test_who_is_listed_is_refused_with_the_place_and_no_name(project: Project, people: Path) -> None:
    result = project.run("add", "caller-9", "caller-1", "caller-9", "bad id")
    assert result.exit_code == ExitCode.USAGE
    assert "the 4th id: not a speaker id" in result.stderr
    result = project.run("add", "caller-9", "caller-1", "caller-9")
    assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
    assert result.stderr.splitlines() == [
        "error: cannot add 2 people; nothing was changed:",
        "  the 3rd id: the same as the 1st id",
        "  the 2nd id: already listed at config/people.yaml:4",
    ]
    assert people.read_text() == TEXT


def test_who_is_listed_can_be_passed_over(project: Project, people: Path) -> None:
    result = project.run("add", "caller-9", "caller-1", "--skip-listed")
    assert result.exit_code == ExitCode.DONE
    assert "Added 1 person: config/people.yaml:5\nPassed over 1 person listed already.\n" in result.stdout
    again = project.run("add", "caller-9", "caller-1", "--skip-listed")
    assert (again.exit_code, again.stdout) == (ExitCode.DONE, "Nothing to do: everybody is listed already.\n")


def test_who_consented_and_objects_again_goes_back(project: Project, people: Path) -> None:
    result = project.run("add", "caller-2", "caller-9", "--ticket", "T-2")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines()[:2] == [
        "Added 2 people: config/people.yaml:5, config/people.yaml:7",
        "1 of them had been released and is opted out again: config/people.yaml:5",
    ]
    assert people.read_text().endswith("  -  id: caller-9\n     ticket: T-2\n\nreleased: []\n")


def test_ids_come_from_standard_input(project: Project, people: Path) -> None:
    result = project.run("add", "-", answer="\ufeffcaller-8\r\n\n  caller-9  \n")
    assert result.stdout.startswith("Added 2 people: config/people.yaml:5, config/people.yaml:6\n")
    assert people.read_text() == TEXT.replace("twice\n", "twice\n  -  caller-8\n  -  caller-9\n")


def test_a_dry_run_shows_a_diff_without_anybody_and_writes_nothing(project: Project, people: Path) -> None:
    result = project.run("add", "caller-9", "--reason", "by phone", "--dry-run")
    assert result.exit_code == ExitCode.DONE
    assert result.stdout.splitlines() == [
        *["--- a/config/people.yaml", "+++ b/config/people.yaml", "@@ -2,6 +2,8 @@"],
        *[" domain:   sandbox   # …", " speakers:", "   -  …"],
        *["+  -  id: …", "+     reason: …"],
        *[" ", " released:", "   - …"],
        "Would add 1 person: config/people.yaml:5",
        "Nothing was written: run it again without --dry-run.",
    ]
    assert people.read_text() == TEXT
    revealed = project.run("add", "caller-9", "--reason", "by phone", "--dry-run", "--reveal").stdout
    assert "+  -  id: caller-9\n+     reason: by phone\n" in revealed


def test_an_invalid_register_is_not_touched(project: Project, people: Path) -> None:
    people.write_text(TEXT + "  - caller-3\n")
    result = project.run("add", "caller-9")
    assert result.exit_code == ExitCode.REGISTER_INVALID
    assert result.stderr.startswith("config/people.yaml:8:5: missing-reason:")
    assert people.read_text() == TEXT + "  - caller-3\n"


def test_a_layout_that_is_not_edited_is_named(project: Project, people: Path) -> None:
    people.write_text("? released\n: - {id: caller-2, reason: r}\n? speakers\n: - caller-1\n")
    result = project.run("add", "caller-2")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.startswith(
        "error: config/people.yaml:4: this is written in a way that the command does not"
    )


def test_stacks_with_registers_of_their_own_need_a_choice(project: Project, people: Path) -> None:
    project.configure("b", register="people-b", domains={"sandbox": DOMAIN})
    result = project.run("add", "caller-9")
    assert result.exit_code == ExitCode.USAGE
    assert "choose with --stack; they are people-b (b), config (test)" in result.stderr
    assert project.run("add", "caller-9", "--stack", "test").exit_code == ExitCode.DONE


def test_stacks_with_one_register_need_none(project: Project, people: Path) -> None:
    project.configure("a")  # knows no alias
    assert project.run("add", "caller-9").exit_code == ExitCode.DONE
    people.write_text("domain: nowhere\nspeakers: []\n")
    assert "unknown-alias" in project.run("add", "caller-9").stderr


def test_the_file_must_be_clear(project: Project, people: Path) -> None:
    other = people.with_name("other.yaml")
    other.write_text(f"domain: {DOMAIN[::-1]}\nspeakers: [caller-1]\n")
    people.with_name("third.yaml").write_text("speakers: []\n")
    result = project.run("add", "caller-9", "--domain", "sandbox")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == "error: say with --file where to add: one of config/people.yaml, config/third.yaml\n"
    for file in ("config/third.yaml", "third.yaml", str(people.with_name("third.yaml"))):
        assert "config/third.yaml" in project.run("add", "caller-9", "--file", file, "--dry-run").stdout
    assert "config/other.yaml:2" in project.run("add", "caller-9", "--domain", DOMAIN[::-1]).stdout
    assert other.read_text().endswith("[caller-1, caller-9]\n")
    for arguments, told in (
        (["--domain", "A" * 22], "say with --file where to add: no file is about this domain"),
        (["--domain", "nonsense"], "--domain is neither a domain id nor an alias; known are sandbox"),
        (["--file", "no.yaml"], "--file no.yaml is not in the register; its files are config/other.yaml, config/p"),
        (
            ["--file", "other.yaml", "--domain", "sandbox"],
            "config/other.yaml is about another domain than --domain",
        ),
    ):
        result = project.run("add", "caller-7", *arguments)
        assert result.exit_code == ExitCode.USAGE
        assert told in result.stderr


def test_many_places_are_summed_up(project: Project, people: Path) -> None:
    result = project.run("add", *[f"new-{number}" for number in range(1000)])
    assert "Added 1,000 people: config/people.yaml:5, " in result.stdout
    assert "config/people.yaml:9, 995 more to config/people.yaml:1004\n" in result.stdout
    assert "new-" not in result.stdout


def test_a_link_to_a_file_stays_a_link(project: Project, people: Path) -> None:
    real = people.rename(people.with_name("real.txt"))
    people.symlink_to(real.name)
    assert project.run("add", "caller-9").exit_code == ExitCode.DONE
    assert people.is_symlink()
    assert "caller-9" in real.read_text()


def test_a_change_by_somebody_else_in_between_is_not_lost(project: Project, people: Path) -> None:
    """Two commands at once: the second waits for the first, and sees what that wrote."""
    command = [sys.executable, "-m", "voiceid_optout", "add", "--cwd", str(project.root), "caller-9"]
    with ExitStack() as lock:
        lock.enter_context(opened(people.parent, {"sandbox": DOMAIN}, None))
        with subprocess.Popen(command) as process:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            people.write_text("- caller-8\n")
            lock.close()
    assert process.returncode == ExitCode.DONE
    assert people.read_text() == "- caller-8\n- caller-9\n"


def test_a_full_disk_is_said(project: Project, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes, _mode: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("voiceid_optout.cli.register_files.write_atomic", full)
    result = project.run("add", "caller-9")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr == "error: cannot write config/people.yaml: No space left on device\n"


def test_what_an_editor_saved_in_between_is_not_written_over(project: Project, people: Path) -> None:
    change = FileChange()
    change.add[Ensure.OPTED_OUT].append(Person("caller-9"))
    with opened(people.parent, {"sandbox": DOMAIN}, None) as files:
        edited = files.edit({"config/people.yaml": change}, {})
        people.write_text("- caller-8\n")
        with pytest.raises(CommandError, match="was changed by somebody else just now"):
            files.write(edited)
    assert people.read_text() == "- caller-8\n"


def test_what_looks_like_a_contact_is_added_with_a_warning(project: Project) -> None:
    result = project.run("add", "00491701234567", "--reason", "wrote as maria@example.org")
    assert result.exit_code == ExitCode.DONE
    assert "warning: id looks like a telephone number" in result.stderr
    assert "warning: reason looks like an e-mail address" in result.stderr
    assert "1701234567" not in result.output
    assert "maria" not in result.output
    project.configure(domain=DOMAIN, domains={"sandbox": DOMAIN}, contactWarnings=False)
    assert project.run("add", "00491701234568").stderr == ""


TO_RELEASE = """\
domain: sandbox
speakers:
  - caller-1
  # about the next
  - id: caller-2  # twice
    reason: objection
"""


@pytest.fixture
def listed(project: Project) -> Path:
    path = project.root / "config" / "people.yaml"
    path.write_text(TO_RELEASE, encoding="utf-8")
    return path


def test_a_person_moves_with_the_reason_for_it(project: Project, listed: Path) -> None:
    result = project.run("release", "caller-2", "--reason", "consented again", "--ticket", "T-9")
    assert (result.exit_code, result.stderr) == (ExitCode.DONE, "")
    assert result.stdout.startswith("Released 1 person: config/people.yaml:6\nNext: ")
    assert listed.read_text() == (
        "domain: sandbox\nspeakers:\n  - caller-1\n"
        "released:\n  # about the next\n  - id: caller-2  # twice\n    reason: consented again\n    ticket: T-9\n"
    )
    again = project.run("release", "caller-2", "--reason", "consented again")
    assert (again.exit_code, again.stderr.splitlines()[1]) == (
        ExitCode.USAGE,
        "  the 1st id: already released at config/people.yaml:6",
    )


def test_a_mere_list_becomes_one_with_keys(project: Project, listed: Path) -> None:
    listed.write_text("# them\n- caller-1\n- caller-2\n")
    assert project.run("release", "caller-1", "--reason", "consented").exit_code == ExitCode.DONE
    assert listed.read_text() == ("# them\nspeakers:\n- caller-2\nreleased:\n- id: caller-1\n  reason: consented\n")


@pytest.mark.parametrize("reason", [[], ["--reason", ""], ["--reason", "  "]])
def test_a_release_needs_a_reason(project: Project, listed: Path, reason: list[str]) -> None:
    result = project.run("release", "caller-1", *reason)
    assert result.exit_code == ExitCode.USAGE
    assert "--reason" in result.stderr
    assert listed.read_text() == TO_RELEASE


def test_reasons_may_come_from_a_table(project: Project, listed: Path, tmp_path: Path) -> None:
    table = tmp_path / "consents.csv"
    table.write_text("id,reason\ncaller-1,consented\ncaller-2,\n")
    result = project.run("release", "--from-csv", str(table))
    assert result.exit_code == ExitCode.USAGE
    assert f"{table}:3: released without a reason" in result.stderr
    assert project.run("release", "--from-csv", str(table), "--reason", "moved away").exit_code == ExitCode.DONE
    assert (
        "reason: consented\n  # about the next\n  - id: caller-2  # twice\n    reason: moved away\n"
        in listed.read_text()
    )
    assert "speakers: []\nreleased:" in listed.read_text()


def test_who_is_not_there_is_told_by_position(project: Project, listed: Path) -> None:
    result = project.run("release", "caller-1", "nobody", "--reason", "r")
    assert result.exit_code == ExitCode.USAGE
    assert result.stderr == (
        "error: cannot release one person; nothing was changed:\n  the 2nd id is not in the register\n"
    )
    assert listed.read_text() == TO_RELEASE


def test_one_id_in_two_domains_needs_the_domain(project: Project, listed: Path) -> None:
    other = listed.with_name("other.yaml")
    other.write_text(f"domain: {DOMAIN[::-1]}\nspeakers: [caller-1]\n")
    result = project.run("release", "caller-1", "--reason", "r")
    assert (
        "the 1st id is listed in several domains, at config/other.yaml:2 and config/people.yaml:3" in result.stderr
    )
    assert project.run("release", "caller-1", "--reason", "r", "--domain", DOMAIN[::-1]).exit_code == ExitCode.DONE
    assert "released:" in other.read_text()
    assert listed.read_text() == TO_RELEASE


def test_an_edit_that_would_make_the_file_invalid_is_refused(project: Project, listed: Path) -> None:
    listed.write_text("? speakers\n: # c\n  - caller-1\n")
    result = project.run("release", "caller-1", "--reason", "r")
    assert result.exit_code == ExitCode.FAILED
    assert result.stderr.startswith("error: config/people.yaml: this is written in a way that the command does not")
    assert listed.read_text() == "? speakers\n: # c\n  - caller-1\n"


def test_a_dry_run_writes_nothing(project: Project, listed: Path) -> None:
    result = project.run("release", "-", "--reason", "r", "--dry-run", answer="caller-1\n")
    assert result.stdout.endswith(
        "+released:\n+  - id: …\n+    reason: …\n"
        "Would release 1 person: config/people.yaml:7\nNothing was written: run it again without --dry-run.\n"
    )
    assert "caller" not in result.output
    assert listed.read_text() == TO_RELEASE


def test_of_a_large_file_only_what_changes_is_read_again(
    project: Project, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"  - caller-{number}" for number in range(5000)]
    lines[2500:2500] = ["  # said so twice", "  - id: caller-x", "    reason: by phone  # at noon"]
    text = "\n".join(["domain: sandbox", "speakers:", *lines, ""])
    people.write_text(text)
    read: list[int] = []
    load: Any = vars(register_files)["load_texts"]

    def counting(texts: Iterable[tuple[str, bytes]], faults: list[Fault], **options: Any) -> Register:
        given = list(texts)
        read.append(sum(len(data) for _, data in given))
        loaded: Register = load(given, faults, **options)
        return loaded

    monkeypatch.setattr(register_files, "load_texts", counting)
    result = project.run("release", "caller-x", "--reason", "came back")
    assert result.stdout.startswith("Released 1 person: config/people.yaml:5005\n")
    gone = "  # said so twice\n  - id: caller-x\n    reason: by phone  # at noon\n"
    added = "released:\n  # said so twice\n  - id: caller-x  # at noon\n    reason: came back\n"
    assert people.read_text() == text.replace(gone, "") + added
    result = project.run("add", "caller-y", "caller-z")
    assert result.stdout.startswith("Added 2 people: config/people.yaml:5003, config/people.yaml:5004\n")
    assert people.read_text() == text.replace(gone, "") + "  - caller-y\n  - caller-z\n" + added
    whole = [size for size in read if size > len(text) // 2]
    assert len(whole) == 2, "each command reads the file once"
    assert [size for size in read if size not in whole and size > 1000] == [], "and a part of it twice"
    refused = project.run("add", "caller-7")
    assert refused.exit_code == ExitCode.USAGE
    assert "already listed at config/people.yaml:10" in refused.stderr
