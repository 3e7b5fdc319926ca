"""The pipeline for GitLab keeps to the same rules."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workflows.files import ROOT

TEMPLATE = ROOT / "templates" / "optout.yml"
CALLER = ROOT / "examples" / "gitlab" / ".gitlab-ci.yml"


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    """The jobs, as GitLab reads them after the head with the inputs."""
    _, content = yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_a_caller_gives_what_the_template_takes(pipeline: dict[str, Any]) -> None:
    head, _ = yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8"))
    inputs = head["spec"]["inputs"]
    caller = yaml.safe_load(CALLER.read_text(encoding="utf-8"))
    (include,) = caller["include"]
    assert {key for key, value in inputs.items() if "default" not in value} == set(include["inputs"]) == {"stacks"}
    assert ROOT / include["file"].lstrip("/") == TEMPLATE
    assert re.fullmatch(r"[0-9a-f]{40}", include["ref"])
    assert set(re.findall(r"\$\[\[ inputs\.([a-z-]+) ]]", str(pipeline))) == set(inputs)
    assert {job["stage"] for job in pipeline.values() if "stage" in job} == set(caller["stages"])


def script(job: dict[str, Any]) -> str:
    return "\n".join(job["script"])


def test_each_stage_has_its_job(pipeline: dict[str, Any]) -> None:
    assert all(pipeline[stage]["stage"] == stage for stage in ("validate", "preview", "up", "drift"))


def test_an_update_is_a_saved_plan_that_a_person_let_go(pipeline: dict[str, Any]) -> None:
    up = pipeline["up"]
    assert script(up) == '.venv/bin/optout up --yes --plan "plan-$PULUMI_STACK.json"'
    assert up["needs"] == ["preview"]
    assert "plan-$PULUMI_STACK.json" in pipeline["preview"]["artifacts"]["paths"]
    assert [rule.get("when") for rule in up["rules"]] == ["manual"]
    assert up["interruptible"] is False
    assert up["resource_group"] == "$PULUMI_STACK"


def test_a_fork_gets_a_validation_and_nothing_else(pipeline: dict[str, Any]) -> None:
    assert pipeline["validate"]["extends"] == ".optout"
    assert "id_tokens" not in pipeline[".optout"]
    for job in ("preview", "up", "drift"):
        assert pipeline[job]["extends"] == ".optout-with-service"
        for rule in pipeline[job]["rules"]:
            if "merge_request_event" in rule["if"]:
                assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in rule["if"]


def test_drift_keeps_its_report_when_it_is_red(pipeline: dict[str, Any]) -> None:
    assert pipeline["drift"]["artifacts"]["when"] == "always"
    assert '--output "drift-$PULUMI_STACK.md"' in script(pipeline["drift"])


@pytest.mark.skipif(shutil.which("sh") is None, reason="needs a shell, as GitLab's images have it")
@pytest.mark.parametrize("package", ["requirements", "checkout"])
def test_what_comes_before_every_job_is_run_by_any_shell(
    tmp_path: Path, pipeline: dict[str, Any], package: str
) -> None:
    project = tmp_path / "project"
    (project / "bin").mkdir(parents=True)
    (project / "own.pem").write_text("ours\n", encoding="utf-8")
    python = project / "bin" / "python"
    python.write_text(
        "#!/bin/sh\nmkdir -p .venv/bin\n"
        "printf '#!/bin/sh\\necho \"$*\" >> calls\\n' > .venv/bin/python\nchmod +x .venv/bin/python\n",
        encoding="utf-8",
    )
    python.chmod(0o755)
    script = "\n".join([*pipeline[".optout"]["before_script"], 'cat "$SSL_CERT_FILE" | tail -1'])
    finished = subprocess.run(
        ["sh", "-ec", script],
        cwd=project,
        env={
            "PATH": f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "OPTOUT_CA_BUNDLE": "own.pem",
            "OPTOUT_PACKAGE": package,
            "AWS_TOKEN": "token",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (0, "ours\n"), finished.stderr
    assert (tmp_path / "token").read_text(encoding="utf-8") == "token"
    calls = (project / "calls").read_text(encoding="utf-8").splitlines()
    assert calls[0].endswith("install -r requirements.txt")
    assert [call.endswith("--no-build-isolation .") for call in calls[1:]] == [True] * (package == "checkout")
