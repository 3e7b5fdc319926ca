"""The AWS provider's config as text, as engines pass it on."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tables import each_row
from voiceid_optout.voiceid import SettingsInvalid
from voiceid_optout.voiceid.aws_config import DEFAULT_IDENTITY, FULL_NAMES, NAMES, AwsConfig, Identity, Keys, Role

PAGE = (Path(__file__).parents[2] / "docs" / "aws.md").read_text(encoding="utf-8")
ARN = "arn:aws:iam::111122223333:role/optouts"


def parse(environ: dict[str, str] | None = None, **config: Any) -> AwsConfig:
    texts = {
        f"aws:{name}": value if isinstance(value, str) else json.dumps(value) for name, value in config.items()
    }
    return AwsConfig.parse(texts, environ or {})


def test_nothing_set_is_whoever_boto3_finds() -> None:
    assert parse() == AwsConfig()
    assert parse().identity is not None
    assert parse().identity == DEFAULT_IDENTITY


def test_region_profile_and_keys() -> None:
    made = parse(region="eu-west-2", profile="main", accessKey="AKID", secretKey="hush", token="t")
    assert made.region == "eu-west-2"
    assert made.identity == Identity(keys=Keys("AKID", "hush", "t"), profile="main")


def test_no_secret_is_in_repr() -> None:
    made = parse(
        accessKey="AKID",
        secretKey="planted",
        token="planted",
        assumeRoles=[{"roleArn": ARN, "externalId": "planted", "policy": "planted"}],
    )
    assert "planted" not in repr(made)
    assert "AKID" not in repr(made)


@pytest.mark.parametrize("name", ["assumeRole", "assumeRoles"])
def test_a_role_with_all_its_members(name: str) -> None:
    role: dict[str, Any] = {
        "roleArn": ARN,
        "sessionName": "nightly",
        "externalId": "x",
        "duration": "1h30m",
        "policy": "{}",
        "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "tags": {"b": "2", "a": "1"},
        "transitiveTagKeys": ["a"],
        "sourceIdentity": "sam",
    }
    given: dict[str, Any] = {name: role if name == "assumeRole" else [role]}
    made = parse(**given).identity
    assert made.roles == (
        Role(
            arn=ARN,
            session_name="nightly",
            external_id="x",
            duration=5400,
            policy="{}",
            policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
            tags=(("a", "1"), ("b", "2")),
            transitive_tag_keys=("a",),
            source_identity="sam",
        ),
    )
    assert made.roles_key == f"aws:{name}"


def test_roles_are_a_chain_in_their_order() -> None:
    roles = [{"roleArn": ARN}, {"roleArn": f"{ARN}-2", "durationSeconds": "900", "externalId": ""}]
    assert parse(assumeRoles=roles).identity.roles == (Role(arn=ARN), Role(arn=f"{ARN}-2", duration=900))
    assert parse(assumeRoles=[]).identity.roles == ()


@each_row(("given", "seconds"), [(3600, 3600), ("3600", 3600), ("15m", 900), ("12h", 43200), ("900s", 900)])
def test_durations(given: object, seconds: int) -> None:
    assert parse(assumeRoles=[{"roleArn": ARN, "duration": given}]).identity.roles[0].duration == seconds


def test_endpoints_are_a_list_of_objects() -> None:
    made = parse(
        endpoints=[{"s3": "http://127.0.0.1:1", "sts": "http://127.0.0.1:2"}, {"voiceid": "http://127.0.0.1:3"}]
    )
    assert made.endpoints == {"sts": "http://127.0.0.1:2", "voiceid": "http://127.0.0.1:3"}
    assert made.identity.sts_endpoint == "http://127.0.0.1:2"
    assert (
        parse({"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"}, endpoints=[]).identity.sts_endpoint
        == "http://127.0.0.1:9"
    )


def test_files_and_the_region_of_sts() -> None:
    made = parse(sharedConfigFiles=["a"], sharedCredentialsFiles=["b"], stsRegion="us-west-2").identity
    assert (made.config_file, made.credentials_file, made.sts_region) == ("a", "b", "us-west-2")


def test_what_is_knowingly_left_alone() -> None:
    assert (
        parse(skipCredentialsValidation="true", defaultTags={"tags": {"a": "b"}}, maxRetries="3", x="y")
        == AwsConfig()
    )
    assert "aws:skipCredentialsValidation" not in FULL_NAMES


def test_the_variable_takes_the_place_of_all_of_it() -> None:
    override = {"OPTOUT_AWS_CONFIG": json.dumps({"profile": "today", "skipRegionValidation": "true"})}
    made = parse(override, region="eu-west-2", profile="then", assumeRoles=[{"roleArn": ARN}])
    assert made == AwsConfig(identity=Identity(profile="today"))
    assert parse({"OPTOUT_AWS_CONFIG": "{}"}, profile="then") == AwsConfig()


@each_row(
    ("config", "says"),
    [
        ({"accessKey": "AKID"}, "aws:accessKey and aws:secretKey belong together"),
        ({"secretKey": "planted"}, "aws:accessKey and aws:secretKey belong together"),
        ({"token": "planted"}, "aws:token"),
        ({"assumeRoles": "planted"}, "aws:assumeRoles is not an object with a roleArn"),
        ({"assumeRoles": ["planted"]}, r"aws:assumeRoles\[0\] is not an object with a roleArn"),
        ({"assumeRoles": [{"roleArn": ARN}, {}]}, r"aws:assumeRoles\[1\]\.roleArn is missing"),
        ({"assumeRole": {"roleArn": "planted"}}, r"aws:assumeRole\.roleArn is not the ARN of a role"),
        ({"assumeRole": {"roleArn": ARN, "durationSeconds": 60}}, r"aws:assumeRole\.durationSeconds is not a time"),
        ({"assumeRole": {"roleArn": ARN, "duration": "planted"}}, r"aws:assumeRole\.duration is not a time"),
        ({"assumeRole": {"roleArn": ARN, "tags": ["planted"]}}, r"aws:assumeRole\.tags is not an object of texts"),
        ({"assumeRole": {"roleArn": ARN, "policyArns": "planted"}}, r"aws:assumeRole\.policyArns is not a list"),
        ({"assumeRole": {"roleArn": ARN, "externalId": 7}}, r"aws:assumeRole\.externalId is not a text"),
        ({"assumeRole": {"roleArn": ARN, "roleARN": ""}}, r"aws:assumeRole has no 'roleARN'; it has roleArn, "),
        ({"assumeRole": {"roleArn": ARN}, "assumeRoles": [{"roleArn": ARN}]}, "are both set"),
        ({"assumeRoleWithWebIdentity": {"roleArn": ARN}}, "aws:assumeRoleWithWebIdentity is not read here"),
        ({"endpoints": "planted"}, "aws:endpoints is not a list of objects"),
        ({"endpoints": {"sts": "planted"}}, "aws:endpoints is not a list of objects"),
        ({"endpoints": [{"sts": 7}]}, "aws:endpoints: sts is not a URL"),
        ({"sharedConfigFiles": ["a", "b"]}, "aws:sharedConfigFiles is not a list of one path"),
        ({"sharedCredentialsFiles": "planted"}, "aws:sharedCredentialsFiles is not a list of one path"),
    ],
)
def test_one_line_names_the_key_and_no_value(config: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsInvalid, match=says) as caught:
        parse(**config)
    assert "\n" not in str(caught.value)
    assert "planted" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@each_row("text", ["planted", "[]", '{"profile": 7}'])
def test_a_variable_that_is_no_object_of_texts(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="OPTOUT_AWS_CONFIG is not a JSON object of texts"):
        parse({"OPTOUT_AWS_CONFIG": text})


def test_the_page_says_of_every_key_what_becomes_of_it() -> None:
    start = PAGE.index("| key | here |")
    table = PAGE[start : PAGE.index("## Guardrails")]
    keys = {
        key for row in re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)
    }
    assert set(NAMES) <= keys


def test_the_pages_stack_file_can_be_used() -> None:
    [text] = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "assumeRoles" in block]
    config = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in yaml.safe_load(text)["config"].items()
    }
    made = AwsConfig.parse(config, {})
    assert (made.region, made.identity.profile) == ("eu-central-1", "work")
    assert made.identity.roles == (
        Role(arn=ARN, session_name="optouts", external_id="partner-7", duration=3600, tags=(("team", "privacy"),)),
    )
