"""The pipeline for GitLab keeps to the same rules."""

from typing import Any

import pytest
import yaml

from tests.workflows.files import ROOT

PIPELINE = ROOT / "examples" / "gitlab" / ".gitlab-ci.yml"


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))
    return content


def script(job: dict[str, Any]) -> str:
    return "\n".join(job["script"])


def test_each_stage_has_its_job(pipeline: dict[str, Any]) -> None:
    assert pipeline["stages"] == ["validate", "preview", "up", "drift"]
    assert all(pipeline[stage]["stage"] == stage for stage in pipeline["stages"])


def test_an_update_is_a_saved_plan_that_a_person_let_go(pipeline: dict[str, Any]) -> None:
    up = pipeline["up"]
    assert script(up) == ".venv/bin/optout up --yes --plan plan.json"
    assert up["needs"] == ["preview"]
    assert "plan.json" in pipeline["preview"]["artifacts"]["paths"]
    assert [rule.get("when") for rule in up["rules"]] == ["manual"]
    assert up["interruptible"] is False
    assert up["resource_group"] == "$PULUMI_STACK"


def test_a_fork_gets_a_validation_and_nothing_else(pipeline: dict[str, Any]) -> None:
    assert "id_tokens" not in pipeline["validate"]
    assert "extends" not in pipeline["validate"]
    for job in ("preview", "up", "drift"):
        for rule in pipeline[job]["rules"]:
            if "merge_request_event" in rule["if"]:
                assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in rule["if"]


def test_drift_keeps_its_report_when_it_is_red(pipeline: dict[str, Any]) -> None:
    assert pipeline["drift"]["artifacts"]["when"] == "always"
    assert "--output drift.md" in script(pipeline["drift"])
