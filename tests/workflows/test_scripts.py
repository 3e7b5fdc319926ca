"""The scripts inside the workflows, run by bash as GitHub runs them, with a stand-in for ``optout``."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workflows.files import own
from voiceid_optout.cli.exit_codes import ExitCode

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash, as GitHub's runners have it")

# Answers as told by a file of the name of the command: the exit code, then what it prints.
STAND_IN = """#!/usr/bin/env bash
echo "$*" >> calls
for argument in "$@"; do
  if [ "$previous" = --output ] && [ -e "makes-$1" ]; then echo "the plan of $1" > "$argument"; fi
  if [ "$previous" = --save-plan ] && [ -e "makes-$1" ]; then echo '{}' > "$argument"; fi
  previous=$argument
done
if [ -e "says-$1" ]; then cat "says-$1"; fi
echo "log of $1" >&2
exit "$(cat "ends-$1" 2> /dev/null || echo 0)"
"""


@dataclass(frozen=True)
class Runner:
    """A folder as the job has it."""

    root: Path

    def optout(self, command: str, code: int = 0, says: str = "", *, makes: bool = False) -> None:
        """Tell the stand-in how a command ends."""
        (self.root / f"ends-{command}").write_text(str(code), encoding="utf-8")
        (self.root / f"says-{command}").write_text(says, encoding="utf-8")
        if makes:
            (self.root / f"makes-{command}").touch()

    def run(self, workflow: str, step: str, **environment: str) -> int:
        return self.finished(
            own(f"optout-{workflow}").step(workflow, step)["run"], self.root, **environment
        ).returncode

    def finished(self, script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        assert BASH is not None
        return subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "GITHUB_OUTPUT": str(self.root / "output"),
                "GITHUB_STEP_SUMMARY": str(self.root / "summary"),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def text(self, name: str) -> str:
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def calls(self) -> list[str]:
        return self.text("calls").splitlines()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    command = tmp_path / ".venv" / "bin" / "optout"
    command.parent.mkdir(parents=True)
    command.write_text(STAND_IN, encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return Runner(tmp_path)


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (4, 0), (1, 1), (3, 3), (6, 6)])
def test_a_preview_is_red_unless_there_is_a_plan(runner: Runner, code: int, ends: int) -> None:
    runner.optout("preview", code, makes=code in (0, 4, 6))
    assert runner.run("preview", "Preview") == ends
    assert runner.text("output") == f"code={code}\n"
    assert runner.text("summary") == ("the plan of preview\n" if code in (0, 4, 6) else "")


def test_a_plan_is_commented_with_its_digest(runner: Runner) -> None:
    runner.optout("preview", 4, makes=True)
    runner.run("preview", "Preview")
    assert runner.run("preview", "Comment", CODE="4") == 0
    assert runner.calls[-1] == "comment --body-file plan.md --plan plan.json"


def test_a_failure_is_commented_too(runner: Runner) -> None:
    runner.optout("preview", 3)
    runner.run("preview", "Preview")
    assert runner.run("preview", "Comment", CODE="3") == 0
    assert runner.calls[-1] == "comment --failed optout preview ended with exit code 3 --log-file preview.log"
    assert runner.text("preview.log") == "log of preview\n"


def test_a_failure_before_the_preview_is_commented_too(runner: Runner) -> None:
    assert runner.run("preview", "Comment", CODE="") == 0
    assert runner.calls == ["comment --failed The job failed before the preview."]


def test_without_an_installation_nothing_can_be_commented_and_the_job_says_so(runner: Runner) -> None:
    shutil.rmtree(runner.root / ".venv")
    assert runner.run("preview", "Comment", CODE="") == 0
    assert own("optout-preview").step("preview", "Comment")["if"] == "${{ !cancelled() }}"


def test_the_reviewed_digest_is_asked_for(runner: Runner) -> None:
    runner.optout("approved", says="0123456789abcdef0123456789abcdef\n")
    assert runner.run("up", "Find the plan that was reviewed", GIVEN="") == 0
    assert runner.text("output") == "digest=0123456789abcdef0123456789abcdef\n"


def test_a_digest_that_a_person_gives_wins(runner: Runner) -> None:
    assert runner.run("up", "Find the plan that was reviewed", GIVEN="fedcba9876543210fedcba9876543210") == 0
    assert (runner.text("output"), runner.calls) == ("digest=fedcba9876543210fedcba9876543210\n", [])


@pytest.mark.parametrize(("code", "ends"), [(7, 0), (1, 1)])
def test_that_nobody_reviewed_is_no_failure_yet_but_not_to_know_is(runner: Runner, code: int, ends: int) -> None:
    runner.optout("approved", code)
    assert runner.run("up", "Find the plan that was reviewed", GIVEN="") == ends
    assert runner.text("output") == ""


def test_the_reviewed_plan_is_applied(runner: Runner) -> None:
    assert runner.run("up", "Up", DIGEST="0123456789abcdef0123456789abcdef") == 0
    assert runner.calls == ["up --yes --approve 0123456789abcdef0123456789abcdef"]


def test_without_review_nothing_is_applied(runner: Runner) -> None:
    assert runner.run("up", "Up", DIGEST="") == 0
    assert runner.calls == ["preview --detailed-exitcode"]


def test_without_review_and_with_changes_it_is_red_and_shows_them(runner: Runner) -> None:
    runner.optout("preview", 4, makes=True)
    assert runner.run("up", "Up", DIGEST="") == 4
    assert not [call for call in runner.calls if call.startswith("up")]
    assert "the plan of preview" in runner.text("summary")


@pytest.mark.parametrize("code", [1, 6, 7, 8, 9])
def test_what_was_not_applied_is_shown_to_be_approved(runner: Runner, code: int) -> None:
    runner.optout("up", code)
    runner.optout("preview", 4, makes=True)
    assert runner.run("up", "Up", DIGEST="0123456789abcdef0123456789abcdef") == code
    assert f"ended with exit code {code}" in runner.text("summary")
    assert runner.text("summary").endswith("the plan of preview\n")


def test_what_was_applied_before_is_done(runner: Runner) -> None:
    """The same run again, or a merge whose plan an earlier run has taken along."""
    runner.optout("up", 7)
    runner.optout("preview", 0, makes=True)
    assert runner.run("up", "Up", DIGEST="0123456789abcdef0123456789abcdef") == 0
    assert runner.text("summary") == ""


def test_a_preview_that_fails_too_is_said(runner: Runner) -> None:
    runner.optout("up", 1)
    runner.optout("preview", 1)
    assert runner.run("up", "Up", DIGEST="0123456789abcdef0123456789abcdef") == 1
    assert "The preview failed too" in runner.text("summary")


@pytest.mark.parametrize("code", [0, 1, 5])
def test_drift_ends_with_its_own_code(runner: Runner, code: int) -> None:
    runner.optout("drift", code, makes=code == 5)
    assert runner.run("drift", "Look for drift") == code
    assert runner.text("output") == f"code={code}\n"


@pytest.mark.parametrize(("code", "call"), [("5", "issue --body-file drift.md"), ("0", "issue --close")])
def test_drift_has_an_issue_and_none_without(runner: Runner, code: str, call: str) -> None:
    assert runner.run("drift", "Say so", CODE=code, REPORT="0") == 0
    assert runner.calls == [call]


@pytest.mark.parametrize(("report", "said"), [("10", "10"), ("1", "1"), ("", "none")])
def test_a_night_without_drift_whose_report_failed_has_an_issue(runner: Runner, report: str, said: str) -> None:
    assert runner.run("drift", "Say so", CODE="0", REPORT=report) == 0
    assert runner.calls == [f"issue --failed optout report ended with exit code {said} --log-file report.log"]


def test_a_night_that_failed_for_another_reason_has_the_issue_too(runner: Runner) -> None:
    assert own("optout-drift").step("drift", "Say so")["if"] == "${{ !cancelled() }}"
    runner.optout("drift", 1)
    assert runner.run("drift", "Look for drift") == 1
    assert runner.run("drift", "Say so", CODE="1") == 0
    assert runner.calls[-1] == "issue --failed optout drift ended with exit code 1 --log-file drift.log"
    assert runner.text("drift.log") == "log of drift\n"
    assert runner.run("drift", "Say so", CODE="") == 0
    assert runner.calls[-1] == "issue --failed The job failed before the check."


GH = """#!/usr/bin/env bash
echo "gh $*" >> calls
case "$2" in list) cat found 2> /dev/null ;; esac
exit 0
"""


@pytest.mark.parametrize(
    ("found", "call"),
    [
        ("7\n", "gh issue edit 7 --title Not checked: stack test --body-file failed.md"),
        ("", "gh issue create --title Not checked: stack test --body-file failed.md"),
    ],
)
def test_a_night_without_an_installation_has_it_by_the_runner_s_own_tool(
    runner: Runner, found: str, call: str
) -> None:
    shutil.rmtree(runner.root / ".venv")
    (runner.root / "found").write_text(found, encoding="utf-8")
    (runner.root / "gh").write_text(GH, encoding="utf-8")
    (runner.root / "gh").chmod(0o755)
    path = f"{runner.root}{os.pathsep}{os.environ['PATH']}"
    assert runner.run("drift", "Say so", CODE="", PULUMI_STACK="test", RUN="https://run", PATH=path) == 0
    assert runner.calls[-1] == call
    assert runner.text("failed.md") == (
        "<!-- optout:drift=test -->\n\nThe job failed before the check: https://run\n"
    )


@pytest.mark.skipif(
    not Path(sys.executable).with_name("optout").exists(), reason="the console script is not installed"
)
def test_a_stranger_s_code_beside_the_register_is_not_run(runner: Runner) -> None:
    script = runner.root / ".venv" / "bin" / "optout"
    script.unlink()
    script.symlink_to(Path(sys.executable).with_name("optout"))
    proposed = runner.root / "proposed"
    for package in ("voiceid_optout", "click", "yaml"):
        (proposed / package).mkdir(parents=True)
        (proposed / package / "__init__.py").write_text("open('../stolen', 'w')\n", encoding="utf-8")
    (proposed / "config").mkdir()
    (proposed / "config" / "people.yaml").write_text("speakers: [caller-1, caller-1]\n", encoding="utf-8")
    (proposed / "Pulumi.test.yaml").write_text(
        "config: {voiceid-optout:domain: UcUuCPFOsAjzg9xoByUatN}\n", encoding="utf-8"
    )
    step = own("optout-preview").step("validate", "Validate")
    finished = runner.finished(step["run"], runner.root / step["working-directory"], **step["env"])
    assert finished.returncode == ExitCode.REGISTER_INVALID
    assert finished.stdout.startswith("::error file=config/people.yaml,line=1,col=22,title=duplicate-speaker::")
    assert not (runner.root / "stolen").exists()
