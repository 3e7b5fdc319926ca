import re
from typing import Any

import pytest
import yaml

from tests.providers.guardrails import ACCOUNT, DOMAIN, GIVEN, REGION, settings
from tests.providers.process import ROOT
from tests.tables import each_row
from voiceid_optout.providers.guardrail_settings import KNOWN, GuardrailSettings, GuardrailsInvalid, StateFolder

PAGE = (ROOT / "docs" / "aws.md").read_text(encoding="utf-8")


def test_what_is_not_said_is_taken_from_the_stack() -> None:
    made = settings()
    assert (made.name, made.environment, made.preview_environment) == (
        "voiceid-optout-production",
        "production",
        "production-preview",
    )
    assert (made.branch, made.releases, made.topic, made.session_hours) == ("main", False, False, 1)
    assert made.log_retention_days == 365


def test_a_repository_with_and_without_ids() -> None:
    assert settings().repository.repository_id is None
    made = settings(repository="example@1/optouts@2").repository
    assert (made.name, made.subject, made.repository_id) == ("example/optouts", "example@1/optouts@2", "2")


@each_row(
    ("url", "folder"),
    [
        ("s3://states", StateFolder("states", "")),
        ("s3://states/", StateFolder("states", "")),
        ("s3://states/a/b", StateFolder("states", "a/b/")),
        ("s3://states/a/b/", StateFolder("states", "a/b/")),
    ],
)
def test_where_the_state_is(url: str, folder: StateFolder) -> None:
    assert settings(stateUrl=url).state == folder


@each_row(
    ("given", "says"),
    [
        ({"account": 111122223333}, r"guardrailSettings\.account is not an account of 12 digits, in quotes"),
        ({"account": None}, r"guardrailSettings\.account is missing: an account of 12 digits"),
        ({"repository": None}, r"guardrailSettings\.repository is missing"),
        ({"repository": "optouts"}, r"guardrailSettings\.repository is not a repository as owner/name"),
        ({"repository": "*/optouts"}, r"guardrailSettings\.repository is not"),
        ({"repository": "example/*"}, r"guardrailSettings\.repository is not"),
        ({"repository": "example@1/optouts"}, r"guardrailSettings\.repository is not"),
        ({"branch": "*"}, r"guardrailSettings\.branch is not the name of one branch"),
        ({"branch": "a b"}, r"guardrailSettings\.branch is not"),
        ({"environment": "prod:x"}, r"guardrailSettings\.environment is not an environment of GitHub"),
        (
            {"previewEnvironment": "production"},
            r"guardrailSettings\.previewEnvironment is not the environment that",
        ),
        ({"previewEnvironment": "*"}, r"guardrailSettings\.previewEnvironment is not an environment"),
        ({"releases": "true"}, r"guardrailSettings\.releases is true or false"),
        ({"topic": 1}, r"guardrailSettings\.topic is true or false"),
        ({"sessionHours": 13}, r"guardrailSettings\.sessionHours is not a number of hours from 1 to 12"),
        ({"sessionHours": True}, r"guardrailSettings\.sessionHours is not"),
        ({"logRetentionDays": 366}, r"guardrailSettings\.logRetentionDays is not .*, 365, 400, "),
        ({"logRetentionDays": [365]}, r"guardrailSettings\.logRetentionDays is not"),
        ({"stateUrl": "file:///x"}, r"guardrailSettings\.stateUrl is not a folder on S3"),
        ({"stateUrl": "s3://states/*"}, r"guardrailSettings\.stateUrl is not"),
        ({"oidcProvider": "arn:aws:iam::444455556666:oidc-provider/x"}, r"guardrailSettings\.oidcProvider is not"),
        ({"domainKey": "alias/mine"}, r"guardrailSettings\.domainKey is not the ARN of a KMS key"),
        ({"eventsKey": 7}, r"guardrailSettings\.eventsKey is not"),
        ({"name": "x" * 57}, r"guardrailSettings\.name is not 1 to 56 letters"),
        ({"tags": {"aws:x": "y"}}, r"guardrailSettings\.tags is not"),
        ({"tags": {"x": 1}}, r"guardrailSettings\.tags is not"),
        ({"tags": ["x"]}, r"guardrailSettings\.tags is not"),
        ({"tags": {str(number): "" for number in range(41)}}, r"guardrailSettings\.tags is not .* 40 tags"),
        ({"branches": "main"}, r"guardrailSettings has no 'branches'; it has account, branch, "),
    ],
)
def test_one_line_names_the_key(given: dict[str, Any], says: str) -> None:
    with pytest.raises(GuardrailsInvalid, match=says) as caught:
        settings(**given)
    assert "\n" not in str(caught.value)


@each_row(
    ("given", "more", "says"),
    [
        (None, {}, "guardrailSettings is not an object"),
        ("x", {}, "guardrailSettings is not an object"),
        (GIVEN, {"region": None}, "voiceid-optout:region"),
        (GIVEN, {"region": "*"}, "voiceid-optout:region"),
        (GIVEN, {"domains": []}, "voiceid-optout:domains"),
        (GIVEN, {"domains": ["sandbox"]}, "voiceid-optout:domains"),
        (GIVEN, {"stack": "x" * 90}, r"guardrailSettings\.name is not"),
    ],
)
def test_what_they_need_of_the_rest_of_the_stack(given: Any, more: dict[str, Any], says: str) -> None:
    with pytest.raises(GuardrailsInvalid, match=says):
        GuardrailSettings.parse(given, **{"stack": "production", "region": REGION, "domains": [DOMAIN], **more})


def test_a_provider_of_the_account() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
    assert settings(oidcProvider=arn).oidc_provider == arn


def test_the_page_has_a_row_for_every_key_and_no_other() -> None:
    table = PAGE[PAGE.index("What each key of") :]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(KNOWN)


def test_the_pages_stack_file_can_be_used() -> None:
    [text] = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "guardrailSettings" in block]
    config = yaml.safe_load(text)["config"]
    made = GuardrailSettings.parse(
        config["voiceid-optout:guardrailSettings"],
        stack="guardrails",
        region=config["voiceid-optout:region"],
        domains=config["voiceid-optout:domains"].values(),
    )
    assert (made.environment, made.topic, made.repository.name) == ("production", True, "example/optouts")
