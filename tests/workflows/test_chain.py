"""The report of each night and the chain of them: the scripts of both forges, with a stand-in for ``optout``."""

from __future__ import annotations

import shutil
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.workflows.files import ROOT, own

if TYPE_CHECKING:
    from pathlib import Path

BASH, SH = shutil.which("bash"), shutil.which("sh")
pytestmark = pytest.mark.skipif(BASH is None or SH is None, reason="needs shells, as runners have them")

FIRST, SECOND = "a" * 64, "b" * 64
REPORT_STEP = own("optout-drift").step("drift", "Report")
GITLAB: dict[str, Any] = list(yaml.safe_load_all((ROOT / "templates" / "optout.yml").read_text(encoding="utf-8")))[
    1
]["drift"]

# A report has the root that `root` says, and names the one it is told to follow.
STAND_IN = """#!/bin/sh
echo "$*" >> calls
if [ "$1" = report ] && [ -e root ]; then
  while [ $# -gt 0 ]; do
    if [ "$1" = --json ]; then out=$2; fi
    shift
  done
  cat root > "$out"
  echo "log of report" >&2
  exit "$(cat ends-report 2> /dev/null || echo 0)"
elif [ "$1" = verify ]; then
  echo "$2: verified: a report of 2 people"
  echo "  made     2026-11-27"
  echo "  root     $(cat "$2")"
fi
exit "$(cat "ends-$1" 2> /dev/null || echo 0)"
"""


@dataclass(frozen=True)
class Night:
    """A job's folder."""

    root: Path

    def ends(self, command: str, code: int) -> None:
        (self.root / f"ends-{command}").write_text(str(code), encoding="utf-8")

    def makes(self, root: str) -> None:
        (self.root / "root").write_text(root, encoding="utf-8")

    def text(self, name: str) -> str:
        path = self.root / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def github(self) -> int:
        assert BASH is not None
        return self._run([BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", REPORT_STEP["run"]])

    def gitlab(self) -> int:
        assert SH is not None
        return self._run([SH, "-ec", "\n".join(GITLAB["script"])])

    def _run(self, command: list[str]) -> int:
        variables = {
            "PATH": "/usr/bin:/bin",
            "GITHUB_OUTPUT": str(self.root / "output"),
            "GITHUB_STEP_SUMMARY": str(self.root / "summary"),
            "PULUMI_STACK": "test",
        }
        return subprocess.run(command, cwd=self.root, env=variables, capture_output=True, check=False).returncode

    @property
    def reports(self) -> list[str]:
        return [call for call in self.text("calls").splitlines() if call.startswith("report")]


@pytest.fixture
def night(tmp_path: Path) -> Night:
    command = tmp_path / ".venv" / "bin" / "optout"
    command.parent.mkdir(parents=True)
    command.write_text(STAND_IN, encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return Night(tmp_path)


def test_each_report_names_the_one_before(night: Night) -> None:
    night.makes(FIRST)
    assert night.github() == 0
    night.makes(SECOND)
    assert night.github() == 0
    assert night.reports == [
        "report --quiet --json report.json --html report.html",
        f"report --quiet --json report.json --html report.html --previous {FIRST}",
    ]
    assert night.text("chain/root").strip() == SECOND
    assert night.text("output") == "made=true\ncode=0\n" * 2


def test_the_root_is_in_the_summary_and_in_the_issue_about_drift(night: Night) -> None:
    night.makes(FIRST)
    night.github()
    assert f"  root     {FIRST}\n" in night.text("summary")
    (night.root / "drift.md").write_text("### Drift\n", encoding="utf-8")
    assert BASH is not None
    step = own("optout-drift").step("drift", "Say so")
    assert step["env"]["REPORT"] == "${{ steps.report.outputs.code }}"
    night._run([BASH, "-ec", f"CODE=5 REPORT=0; {step['run']}"])
    assert night.text("calls").splitlines()[-1] == "issue --body-file drift.md"
    assert night.text("drift.md").startswith("### Drift\n")
    assert f"  root     {FIRST}\n" in night.text("drift.md")
    assert "made" in night.text("summary")
    assert "made" not in night.text("drift.md")


@pytest.mark.parametrize("code", [1, 3])
def test_a_night_without_a_report_leaves_the_chain_as_it_is(night: Night, code: int) -> None:
    (night.root / "chain").mkdir()
    (night.root / "chain" / "root").write_text(FIRST, encoding="utf-8")
    night.ends("report", code)
    assert night.github() == code
    assert night.text("chain/root") == FIRST
    assert night.text("output") == f"code={code}\n"


def test_a_report_with_overdue_people_is_red_and_part_of_the_chain(night: Night) -> None:
    night.makes(FIRST)
    night.ends("report", 10)
    assert night.github() == 10
    assert night.text("output") == "made=true\ncode=10\n"
    assert night.text("chain/root").strip() == FIRST


def test_a_report_that_is_not_verified_is_not_named_by_the_next(night: Night) -> None:
    night.makes(FIRST)
    night.ends("verify", 11)
    assert night.github() == 11
    assert (night.text("output"), night.text("chain/root")) == ("code=11\n", "")


def test_what_is_not_kept_is_not_named_and_a_stack_has_no_other_stack_s_root() -> None:
    workflow = own("optout-drift")
    restore, report, keep, save = (
        workflow.step("drift", name)
        for name in (
            "Find the last report's root",
            "Report",
            "Keep the report",
            "Keep its root for the next report",
        )
    )
    assert report["if"] == restore["if"]
    assert "steps.report.outputs.made == 'true'" in keep["if"]
    assert "steps.keep.outcome == 'success'" in save["if"]
    assert restore["with"]["path"] == save["with"]["path"] == "chain"
    assert restore["with"]["key"] == save["with"]["key"]
    assert "github.run_attempt" in save["with"]["key"]  # a cache is written once
    # No name of a stack has a slash, so no stack's keys begin as another's.
    assert restore["with"]["restore-keys"] == "optout-chain/${{ matrix.stack }}/"
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"])
    assert "matrix.stack" in keep["with"]["name"]


def test_the_whole_history_is_there_because_it_says_since_when_people_are_listed() -> None:
    (checkout,) = [
        step for _, step in own("optout-drift").steps() if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert checkout["with"]["fetch-depth"] == 0
    assert GITLAB["variables"]["GIT_DEPTH"] == "0"


def test_on_gitlab_each_report_names_the_one_before_too(night: Night) -> None:
    night.makes(FIRST)
    assert night.gitlab() == 0
    night.makes(SECOND)
    assert night.gitlab() == 0
    words = "report --quiet --json report-test.json --html report-test.html"
    assert night.reports == [words, f"{words} --previous {FIRST}"]
    assert night.text("chain/test").strip() == SECOND
    assert f"  root     {SECOND}\n" in night.text("root-test.txt")


@pytest.mark.parametrize(
    ("drift", "report", "ends"), [(0, 0, 0), (5, 0, 5), (5, 10, 5), (0, 10, 10), (1, 1, 1), (0, 3, 3)]
)
def test_on_gitlab_drift_comes_before_what_the_report_says(
    night: Night, drift: int, report: int, ends: int
) -> None:
    night.makes(FIRST)
    night.ends("drift", drift)
    night.ends("report", report)
    assert night.gitlab() == ends
    assert (night.text("chain/test").strip() == FIRST) == (report in (0, 10))


def test_on_gitlab_a_red_night_keeps_report_and_root() -> None:
    assert GITLAB["artifacts"]["when"] == GITLAB["cache"]["when"] == "always"
    assert GITLAB["cache"]["paths"] == ["chain"]
    assert GITLAB["cache"]["key"] == "optout-chain-$PULUMI_STACK"
    assert {"report-$PULUMI_STACK.json", "report-$PULUMI_STACK.html", "root-$PULUMI_STACK.txt"} <= set(
        GITLAB["artifacts"]["paths"]
    )
