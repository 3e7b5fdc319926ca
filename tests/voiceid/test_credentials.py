import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest

from tests.voiceid.aws_server import Aws, served
from tests.voiceid.scripted import DOMAIN
from voiceid_optout import voiceid
from voiceid_optout.voiceid.aws_config import AwsConfig
from voiceid_optout.voiceid.client import Client
from voiceid_optout.voiceid.credentials import credential_source
from voiceid_optout.voiceid.settings import ClientSettings

ARN = "arn:aws:iam::111122223333:role/optouts"
ARN_2 = "arn:aws:iam::444455556666:role/optouts"


@pytest.fixture
def aws() -> Iterator[Aws]:
    with served() as running:
        yield running


Connected = Callable[..., Client]


@pytest.fixture
def connected(aws: Aws) -> Iterator[Connected]:
    """Make clients of a stack's config, with Voice ID and STS in the small AWS."""
    clients: list[Client] = []

    def make(**config: str) -> Client:
        given = {f"aws:{name}": value for name, value in config.items()}
        given.setdefault("aws:endpoints", json.dumps([{"voiceid": aws.url, "sts": aws.url}]))
        clients.append(Client(ClientSettings.resolve({"region": "eu-central-1", **given}, os.environ)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with AWS config files and no keys in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config").write_text("[profile other]\nregion = eu-west-2\n")
    (tmp_path / "credentials").write_text(
        "[main]\naws_access_key_id = AKIDMAIN\naws_secret_access_key = planted-secret\n"
        "[other]\naws_access_key_id = AKIDOTHER\naws_secret_access_key = planted-secret\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


def roles(*given: dict[str, object]) -> str:
    return json.dumps(given)


def test_without_config_the_environments_keys_call(aws: Aws, connected: Connected) -> None:
    connected().opt_out(DOMAIN, "caller-1")
    assert (aws.callers, aws.assumed) == (["AKIDEXAMPLE"], [])


def test_keys_of_the_stack_win_over_profile_and_environment(
    aws: Aws, connected: Connected, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "other")
    connected(accessKey="AKIDSTACK", secretKey="hush", profile="main").opt_out(DOMAIN, "caller-1")
    assert aws.callers == ["AKIDSTACK"]


def test_a_profile_of_the_stack_wins_over_the_environments_keys(
    aws: Aws, connected: Connected, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_PROFILE", "other")
    connected(profile="main").opt_out(DOMAIN, "caller-1")
    connected().opt_out(DOMAIN, "caller-1")
    assert aws.callers == ["AKIDMAIN", "AKIDENV"]


def test_files_of_the_stack_are_read(aws: Aws, connected: Connected, files: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.write_text("[main]\naws_access_key_id = AKIDELSE\naws_secret_access_key = planted-secret\n")
    connected(profile="main", sharedCredentialsFiles=json.dumps([str(other)])).opt_out(DOMAIN, "caller-1")
    assert aws.callers == ["AKIDELSE"]


def test_a_role_is_assumed_once_with_all_that_is_said_of_it(aws: Aws, connected: Connected) -> None:
    client = connected(
        assumeRoles=roles(
            {
                "roleArn": ARN,
                "sessionName": "nightly",
                "externalId": "partner-7",
                "duration": "15m",
                "policy": "{}",
                "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
                "tags": {"a": "1"},
                "transitiveTagKeys": ["a"],
                "sourceIdentity": "sam",
            }
        )
    )
    assert aws.assumed == []
    client.opt_out(DOMAIN, "caller-1")
    client.opt_out(DOMAIN, "caller-2")
    assert aws.callers == ["ASIAROLE1"] * 2
    assert aws.assumed == [
        {
            "caller": "AKIDEXAMPLE",
            "Action": "AssumeRole",
            "Version": "2011-06-15",
            "RoleArn": ARN,
            "RoleSessionName": "nightly",
            "ExternalId": "partner-7",
            "DurationSeconds": "900",
            "Policy": "{}",
            "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "Tags.member.1.Key": "a",
            "Tags.member.1.Value": "1",
            "TransitiveTagKeys.member.1": "a",
            "SourceIdentity": "sam",
        }
    ]


def test_a_chain_of_roles_begins_with_the_stacks_profile(aws: Aws, connected: Connected, files: Path) -> None:
    connected(profile="main", assumeRoles=roles({"roleArn": ARN}, {"roleArn": ARN_2})).opt_out(DOMAIN, "caller-1")
    assert [(each["caller"], each["RoleArn"]) for each in aws.assumed] == [("AKIDMAIN", ARN), ("ASIAROLE1", ARN_2)]
    assert aws.callers == ["ASIAROLE2"]


def test_a_chain_of_roles_may_begin_with_keys(aws: Aws, connected: Connected) -> None:
    connected(accessKey="AKIDSTACK", secretKey="hush", assumeRole=json.dumps({"roleArn": ARN})).opt_out(
        DOMAIN, "caller-1"
    )
    assert aws.assumed[0]["caller"] == "AKIDSTACK"
    assert aws.assumed[0]["RoleSessionName"] == "voiceid-optout"


def test_a_role_is_assumed_again_before_it_expires(aws: Aws, connected: Connected) -> None:
    aws.lifetime = timedelta(minutes=5)  # botocore renews what has ten minutes left at most
    client = connected(assumeRoles=roles({"roleArn": ARN}))
    client.opt_out(DOMAIN, "caller-1")
    aws.lifetime = timedelta(hours=1)
    client.opt_out(DOMAIN, "caller-2")
    client.opt_out(DOMAIN, "caller-3")
    assert aws.callers[-1] == aws.callers[-2]
    assert aws.callers[0] != aws.callers[1]
    assert len(aws.assumed) > 1


def test_credentials_that_have_expired_already(aws: Aws, connected: Connected) -> None:
    aws.lifetime = timedelta(hours=-1)
    with pytest.raises(voiceid.CredentialsRejected, match="this machine's clock"):
        connected(assumeRoles=roles({"roleArn": ARN})).opt_out(DOMAIN, "caller-1")


@pytest.mark.parametrize(
    ("code", "raised", "says"),
    [
        ("AccessDenied", voiceid.AccessDenied, "STS denies the role .* of aws:assumeRoles: allow sts:AssumeRole"),
        ("ExpiredToken", voiceid.CredentialsRejected, "STS rejects the AWS credentials .* this machine's clock"),
        ("InvalidClientTokenId", voiceid.CredentialsRejected, "STS rejects the AWS credentials"),
        ("MalformedPolicyDocument", voiceid.SettingsInvalid, "STS finds what aws:assumeRoles says .* malformed"),
        ("RegionDisabledException", voiceid.UnexpectedAnswer, "RegionDisabledException"),
        ("planted secret", voiceid.UnexpectedAnswer, "no code"),
    ],
)
def test_a_role_that_is_refused_is_one_line(
    aws: Aws,
    connected: Connected,
    caplog: pytest.LogCaptureFixture,
    code: str,
    raised: type[voiceid.VoiceIdError],
    says: str,
) -> None:
    aws.refusal = code
    with pytest.raises(raised, match=says) as caught:
        connected(assumeRoles=roles({"roleArn": ARN, "externalId": "planted-secret"})).opt_out(
            DOMAIN, "planted-4711"
        )
    assert ARN in str(caught.value)
    for text in (str(caught.value), caplog.text):
        assert "planted" not in text
        assert "\n" not in text
    assert caught.value.__cause__ is None
    assert aws.callers == []


def test_an_sts_that_does_not_answer(aws: Aws, connected: Connected, closed_port: str) -> None:
    endpoints = json.dumps([{"voiceid": aws.url, "sts": closed_port}])
    with pytest.raises(voiceid.EndpointUnreachable, match=r"STS does not answer .* aws:endpoints"):
        connected(assumeRoles=roles({"roleArn": ARN}), endpoints=endpoints).opt_out(DOMAIN, "caller-1")


def test_a_role_without_anybody_to_assume_it(connected: Connected, files: Path) -> None:
    with pytest.raises(voiceid.CredentialsMissing, match=f"STS, to assume the role {ARN}"):
        connected(assumeRoles=roles({"roleArn": ARN})).opt_out(DOMAIN, "caller-1")


def test_nothing_but_the_line_is_printed_when_a_role_is_refused(aws: Aws) -> None:
    """Without logging set up, Python prints warnings, and botocore's has a traceback."""
    aws.refusal = "AccessDenied"
    script = (
        "import os\n"
        "from voiceid_optout.voiceid import VoiceIdError\n"
        "from voiceid_optout.voiceid.client import Client\n"
        "from voiceid_optout.voiceid.settings import ClientSettings\n"
        f"settings = ClientSettings.resolve({{'endpoint': {aws.url!r}, 'region': 'eu-central-1', "
        f"'aws:assumeRoles': {roles({'roleArn': ARN})!r}}}, os.environ)\n"
        f"try:\n    Client(settings).opt_out({DOMAIN!r}, 'caller-1')\n"
        "except VoiceIdError as error:\n    print(type(error).__name__)\n"
    )
    environment = {**os.environ, "AWS_ENDPOINT_URL_STS": aws.url}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert (done.stdout, done.stderr) == ("AccessDenied\n", "")


def test_a_profile_that_is_unknown_is_named(connected: Connected, files: Path) -> None:
    with pytest.raises(voiceid.CredentialsMissing, match="the AWS profile 'nobody' is in no AWS config file"):
        connected(profile="nobody")


def test_the_region_of_a_profile_is_the_last_resort(aws: Aws, files: Path) -> None:
    config = {"endpoint": aws.url, "aws:profile": "other"}
    assert ClientSettings.resolve(config, {}).region == "eu-west-2"
    assert ClientSettings.resolve({**config, "aws:region": "us-west-2"}, {}).region == "us-west-2"
    with pytest.raises(voiceid.SettingsInvalid, match="no region"):
        ClientSettings.resolve({**config, "aws:profile": "nobody"}, {})


def log_in(home: Path, *, expired: bool = False) -> None:
    """Leave what `aws sso login` leaves: a profile with a session, and a token in the cache."""
    (home / "config").write_text(
        "[profile work]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = OptOuts\n"
        "[sso-session corp]\nsso_region = eu-central-1\nsso_start_url = https://example.com/start\n"
    )
    expires = datetime.now(UTC) + (-timedelta(hours=1) if expired else timedelta(hours=8))
    cache = home / ".aws" / "sso" / "cache"
    cache.mkdir(parents=True)
    token = {"accessToken": "sso-token", "expiresAt": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
    (cache / f"{sha1(b'corp', usedforsecurity=False).hexdigest()}.json").write_text(json.dumps(token))


@pytest.fixture
def sso(aws: Aws, files: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which somebody logs in; botocore settles where the cache is when it is imported."""
    from botocore import credentials, tokens

    cache = str(files / ".aws" / "sso" / "cache")
    monkeypatch.setattr(credentials.SSOProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    monkeypatch.setattr(tokens.SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", cache)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSO", aws.url)
    return files


def test_a_profile_of_single_sign_on(aws: Aws, connected: Connected, sso: Path) -> None:
    log_in(sso)
    connected(profile="work").opt_out(DOMAIN, "caller-1")
    assert (aws.logins, aws.callers) == (["sso-token"], ["ASIASSO"])


def test_a_role_on_top_of_single_sign_on(aws: Aws, connected: Connected, sso: Path) -> None:
    log_in(sso)
    connected(profile="work", assumeRoles=roles({"roleArn": ARN})).opt_out(DOMAIN, "caller-1")
    assert [each["caller"] for each in aws.assumed] == ["ASIASSO"]


def test_a_login_that_has_expired_says_what_to_run(aws: Aws, connected: Connected, sso: Path) -> None:
    log_in(sso, expired=True)
    with pytest.raises(voiceid.CredentialsMissing, match="has expired: run `aws sso login`") as caught:
        connected(profile="work").opt_out(DOMAIN, "caller-1")
    assert "\n" not in str(caught.value)
    with pytest.raises(voiceid.CredentialsMissing, match="has expired: run `aws sso login`"):
        connected(profile="work", assumeRoles=roles({"roleArn": ARN})).opt_out(DOMAIN, "caller-1")


@pytest.mark.parametrize(
    ("code", "raised", "says"),
    [
        ("UnauthorizedException", voiceid.CredentialsMissing, "run `aws sso login`"),
        ("ForbiddenException", voiceid.AccessDenied, r"GetRoleCredentials is refused \(ForbiddenException\)"),
    ],
)
def test_a_login_that_the_portal_does_not_take(
    aws: Aws, connected: Connected, sso: Path, code: str, raised: type[voiceid.VoiceIdError], says: str
) -> None:
    log_in(sso)
    aws.refusal = code
    with pytest.raises(raised, match=says) as caught:
        connected(profile="work").opt_out(DOMAIN, "caller-1")
    assert "planted" not in str(caught.value)


def test_a_profile_whose_session_is_missing(connected: Connected, sso: Path) -> None:
    (sso / "config").write_text("[profile work]\nsso_session = gone\nsso_account_id = 1\nsso_role_name = OptOuts\n")
    with pytest.raises(voiceid.CredentialsMissing, match="is incomplete"):
        connected(profile="work").opt_out(DOMAIN, "caller-1")


def test_a_role_of_the_profile_that_is_refused(
    aws: Aws, connected: Connected, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws.url)
    (files / "config").write_text(
        f"[profile work]\nrole_arn = {ARN}\nsource_profile = main\nregion = eu-central-1\n"
    )
    connected(profile="work").opt_out(DOMAIN, "caller-1")
    assert aws.callers == ["ASIAROLE1"]
    aws.refusal = "AccessDenied"
    with pytest.raises(voiceid.AccessDenied, match=r"AssumeRole is refused \(AccessDenied\)"):
        connected(profile="work").opt_out(DOMAIN, "caller-1")


def source(**config: Any) -> str:
    texts = {
        f"aws:{name}": value if isinstance(value, str) else json.dumps(value) for name, value in config.items()
    }
    return credential_source(AwsConfig.parse(texts, {}).identity, os.environ)


@pytest.fixture
def known_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


@pytest.mark.usefixtures("known_profiles")
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


@pytest.mark.usefixtures("known_profiles")
def test_nobody_at_all() -> None:
    with pytest.raises(voiceid.CredentialsMissing, match="no usable AWS credentials for Voice ID"):
        source()


@pytest.mark.usefixtures("known_profiles")
def test_a_profile_that_is_unknown() -> None:
    with pytest.raises(voiceid.CredentialsMissing, match="the AWS profile 'nobody'"):
        source(profile="nobody")
