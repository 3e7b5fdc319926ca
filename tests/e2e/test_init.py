"""A new repository under the Pulumi CLI: its project names no virtual environment, and nobody has to make one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.commands import Shell, eventually

PULUMI = shutil.which("pulumi")
pytestmark = [
    pytest.mark.official,
    pytest.mark.skipif(PULUMI is None, reason="the Pulumi CLI is not on PATH"),
]


def test_a_sandbox_runs_with_the_python_of_optout(tmp_path: Path) -> None:
    variables = {
        "PATH": f"{Path(PULUMI or '').parent}:/usr/bin:/bin",  # its python has no voiceid_optout
        "PULUMI_HOME": str(tmp_path / "pulumi home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    made = Shell(tmp_path, variables).optout("init", "opt-outs", "--sandbox")
    assert made.code == 0, made.output
    shell = Shell(tmp_path / "opt-outs", variables)
    assert "--engine embedded does without it" in shell.optout("doctor").out
    up = shell.optout("up", "--yes")
    assert (up.code, "Done: 3 opted out, 1 released." in up.out) == (0, True), up.output
    assert shell.optout("add", "caller-000018").code == 0
    assert "Done: 1 opted out." in shell.optout("up", "--yes").out
    assert shell.optout("drift").out.endswith("No drift: 5 people as the register asks.\n")
    assert shell.optout("up", "--yes", "--engine", "embedded").out.endswith(
        "Nothing changed: the service says what the register asks.\n"
    )
    eventually(lambda: not shell.processes(), "all processes of the test have ended")
