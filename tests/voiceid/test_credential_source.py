import json
import os
from pathlib import Path
from typing import Any

import pytest

from voiceid_optout import voiceid
from voiceid_optout.voiceid.aws_config import AwsConfig
from voiceid_optout.voiceid.credential_source import credential_source

ARN = "arn:aws:iam::111122223333:role/optouts"


def source(**config: Any) -> str:
    texts = {
        f"aws:{name}": value if isinstance(value, str) else json.dumps(value) for name, value in config.items()
    }
    return credential_source(AwsConfig.parse(texts, {}).identity, os.environ)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "credentials").write_text(
        "[main]\naws_access_key_id = AKIDMAIN\naws_secret_access_key = planted-secret\n"
    )
    (tmp_path / "config").write_text(
        "[profile work]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = OptOuts\n"
        "[sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://example.com/start\n"
        f"[profile other]\nrole_arn = {ARN}\nsource_profile = main\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def test_keys_of_the_environment() -> None:
    assert source() == "AWS_ACCESS_KEY_ID"


def test_keys_of_the_stack() -> None:
    assert source(accessKey="AKIDPLANTED", secretKey="hush") == "keys of the stack (aws:accessKey)"


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("profile", "place"),
    [("main", "the shared credentials file"), ("work", "an SSO login"), ("other", "the profile's role_arn")],
)
def test_profiles(profile: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source(profile=profile) == f"profile {profile!r} (aws:profile), {place}"
    monkeypatch.setenv("AWS_PROFILE", profile)
    assert source() == f"profile {profile!r} (AWS_PROFILE), {place}"


def test_roles_on_top() -> None:
    text = source(assumeRoles=[{"roleArn": ARN, "externalId": "planted"}, {"roleArn": f"{ARN}-2"}])
    assert text == (f"AWS_ACCESS_KEY_ID, then role {ARN} (aws:assumeRoles), then role {ARN}-2 (aws:assumeRoles)")


@pytest.mark.usefixtures("files")
def test_nobody_at_all() -> None:
    with pytest.raises(voiceid.CredentialsMissing, match="no usable AWS credentials for Voice ID"):
        source()


@pytest.mark.usefixtures("files")
def test_a_profile_that_is_unknown() -> None:
    with pytest.raises(voiceid.CredentialsMissing, match="the AWS profile 'nobody'"):
        source(profile="nobody")
