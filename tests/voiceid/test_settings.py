import json
from pathlib import Path

import pytest

from tests.tables import each_row
from voiceid_optout.config import Config, read
from voiceid_optout.voiceid import SettingsInvalid
from voiceid_optout.voiceid.aws_config import AwsConfig
from voiceid_optout.voiceid.settings import (
    ClientSettings,
    Quotas,
    Setting,
    clear_text_fault,
    display_url,
    endpoint_setting,
    is_loopback,
    region_setting,
)

HERE = "http://127.0.0.1:8099"


def test_config_is_taken() -> None:
    settings = ClientSettings.resolve({"endpoint": HERE, "region": "eu-central-1"}, {})
    assert (settings.endpoint_url, settings.region, settings.quotas) == (HERE, "eu-central-1", Quotas())


def test_environment_wins() -> None:
    environ = {"AWS_ENDPOINT_URL_VOICE_ID": "https://voice.example", "AWS_REGION": "eu-west-2"}
    settings = ClientSettings.resolve({"endpoint": HERE, "region": "eu-central-1"}, environ)
    assert (settings.endpoint_url, settings.region) == ("https://voice.example", "eu-west-2")


def test_region_comes_before_default_region() -> None:
    environ = {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "us-east-1"}
    assert ClientSettings.resolve({}, environ).region == "eu-west-2"
    del environ["AWS_REGION"]
    assert ClientSettings.resolve({"region": "x"}, environ).region == "us-east-1"


def test_no_endpoint_means_aws() -> None:
    assert ClientSettings.resolve({"region": "us-east-1"}, {}).endpoint_url is None


def test_missing_region_says_where_to_set_it() -> None:
    with pytest.raises(SettingsInvalid, match=r"voiceid-optout:region .* AWS_REGION"):
        ClientSettings.resolve({"endpoint": HERE}, {})


@each_row("endpoint", ["127.0.0.1:8099", "ftp://voice.example", "http://", "http://[::1", "http://a:99999"])
def test_endpoint_that_is_no_url(endpoint: str) -> None:
    with pytest.raises(SettingsInvalid, match="voiceid-optout:endpoint"):
        ClientSettings.resolve({"endpoint": endpoint, "region": "us-east-1"}, {})


def test_quotas_from_config() -> None:
    settings = ClientSettings.resolve({"region": "x", "quotas": '{"optOut": 2.5, "list": "3"}'}, {})
    assert settings.quotas == Quotas(opt_out=2.5, list=3.0)


def test_a_setting_that_cannot_be_used_is_named() -> None:
    with pytest.raises(
        SettingsInvalid, match="voiceid-optout:quotas needs a positive number of calls a second for"
    ):
        ClientSettings.resolve({"region": "x", "quotas": '{"list": 0}'}, {})


def test_place_hides_credentials_in_the_url() -> None:
    settings = ClientSettings("https://user:hush@voice.example:8443/?token=hush", "eu-west-2")
    assert settings.place() == "Voice ID at https://voice.example:8443 (eu-west-2)"
    assert ClientSettings(None, "eu-west-2").place() == "AWS's Voice ID in eu-west-2"


@each_row(("quotas", "connections"), [(Quotas(), 8), (Quotas(opt_out=50), 20), (Quotas(describe=1e6), 64)])
def test_connections_reach_the_quota_with_slow_answers(quotas: Quotas, connections: int) -> None:
    assert ClientSettings(HERE, "eu-west-2", quotas).connections == connections


def test_a_url_of_the_aws_config_that_is_none_names_its_place() -> None:
    config = {"region": "us-east-1", "aws:endpoints": '[{"voiceid": "planted"}]'}
    with pytest.raises(SettingsInvalid, match="the endpoint of aws:endpoints is no http or https URL"):
        ClientSettings.resolve(config, {})
    config["aws:endpoints"] = '[{"sts": "planted"}]'
    with pytest.raises(SettingsInvalid, match="the endpoint of STS, in aws:endpoints"):
        ClientSettings.resolve(config, {})


def test_todays_file_takes_the_place_of_what_the_state_remembers() -> None:
    remembered = {"endpoint": "https://a.example.org", "region": "us-east-1", "service": "embedded"}
    today = {"OPTOUT_STACK_CONFIG": '{"region": "eu-west-2", "unknown": "x"}'}
    settings = ClientSettings.resolve(remembered, today)
    assert (settings.endpoint_url, settings.region) == (None, "eu-west-2")
    with pytest.raises(SettingsInvalid, match="OPTOUT_STACK_CONFIG is not a JSON object of texts"):
        ClientSettings.resolve(remembered, {"OPTOUT_STACK_CONFIG": '{"region": 1}'})


@pytest.mark.parametrize("endpoint", ["http://a.example.net:8099", "http://127.0.0.1.example.org"])
def test_another_machine_is_not_called_in_clear(endpoint: str) -> None:
    config = {"endpoint": endpoint, "region": "us-east-1"}
    with pytest.raises(SettingsInvalid, match="identifiers would travel there in clear"):
        ClientSettings.resolve(config, {})
    with pytest.raises(SettingsInvalid, match="AWS_ENDPOINT_URL_VOICE_ID"):
        ClientSettings.resolve({"region": "us-east-1"}, {"AWS_ENDPOINT_URL_VOICE_ID": endpoint})
    assert ClientSettings.resolve({**config, "insecurePlainHttp": "true"}, {}).endpoint_url == endpoint


def test_a_sandbox_calls_nobody_but_its_own_service() -> None:
    config = {"service": "embedded", "region": "us-east-1"}
    with pytest.raises(SettingsInvalid, match="the stack is a sandbox, and the shell does not say where"):
        ClientSettings.resolve(config, {})
    assert ClientSettings.resolve(config, {"AWS_ENDPOINT_URL_VOICE_ID": HERE}).endpoint_url == HERE


def test_the_endpoint_that_boto3_takes_for_all_services_is_known() -> None:
    config = {"region": "us-east-1"}
    assert ClientSettings.resolve(config, {"AWS_ENDPOINT_URL": HERE}).endpoint_url == HERE
    ignored = {"AWS_ENDPOINT_URL": HERE, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert ClientSettings.resolve(config, ignored).endpoint_url is None


AWS = {
    "aws:region": "aws-region",
    "aws:profile": "main",
    "aws:endpoints": json.dumps([{"voiceid": "http://127.0.0.1:3"}]),
}
CONFIG = {"region": "stack-region", "endpoint": "http://127.0.0.1:2", **AWS}
ENVIRON = {
    "AWS_REGION": "shell-region",
    "AWS_DEFAULT_REGION": "default-region",
    "AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:1",
}


@pytest.fixture(autouse=True)
def _profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("[profile main]\nregion = profile-region\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))


def without(given: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in given.items() if name not in names}


REGIONS = [
    ("AWS_REGION", "shell-region"),
    ("AWS_DEFAULT_REGION", "default-region"),
    ("voiceid-optout:region", "stack-region"),
    ("aws:region", "aws-region"),
    ("the AWS profile", "profile-region"),
]


@each_row("number", range(len(REGIONS)))
def test_regions(number: int) -> None:
    silent = [source.removeprefix("voiceid-optout:") for source, _ in REGIONS[:number]]
    config, environ = without(CONFIG, *silent), without(ENVIRON, *silent)
    found = region_setting(read(config, ""), AwsConfig.parse(config, environ), environ)
    assert (found.source, found.value) == REGIONS[number]


ENDPOINTS = [
    ("AWS_ENDPOINT_URL_VOICE_ID", "http://127.0.0.1:1"),
    ("voiceid-optout:endpoint", "http://127.0.0.1:2"),
    ("aws:endpoints", "http://127.0.0.1:3"),
    ("", None),
]


@each_row("number", range(len(ENDPOINTS)))
def test_endpoints(number: int) -> None:
    silent = [source.removeprefix("voiceid-optout:") for source, _ in ENDPOINTS[:number]]
    config, environ = without(CONFIG, *silent), without(ENVIRON, *silent)
    found = endpoint_setting(read(config, ""), AwsConfig.parse(config, environ), environ)
    assert (found.source, found.value) == ENDPOINTS[number]


def test_a_region_that_nobody_names() -> None:
    assert region_setting(Config(), AwsConfig(), {}) == Setting(None)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("endpoint_url = http://127.0.0.1:4", "http://127.0.0.1:4"),
        ("services = own\n[services own]\nvoice_id =\n  endpoint_url = http://127.0.0.1:5", "http://127.0.0.1:5"),
        ("endpoint_url = http://127.0.0.1:4\nignore_configured_endpoint_urls = true", None),
        ("services = none", None),
        ("", None),
    ],
)
def test_an_endpoint_of_the_profile_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, url: str | None
) -> None:
    """The SDK would take it, and no plan would name it."""
    path = tmp_path / "config"
    path.write_text(f"[profile main]\n{text}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    config = {"aws:profile": "main"}
    assert endpoint_setting(read(config, ""), AwsConfig.parse(config, {}), {}).value == url


@pytest.mark.parametrize("url", ["http://[", "http://[x]", "https://[::z]/", "//[0.0.0.0.]"])
def test_what_is_no_url_is_nowhere(url: str) -> None:
    assert not is_loopback(url)
    assert clear_text_fault(url, "somewhere", allowed=False) is None
    assert url not in display_url(url)
    with pytest.raises(SettingsInvalid, match="is no http or https URL"):
        ClientSettings.resolve({"endpoint": url, "region": "us-east-1"}, {})
