"""The table of docs/aws.md, a row a test: each place is taken when those before it are silent."""

import json
from pathlib import Path

import pytest

from voiceid_optout.voiceid import precedence
from voiceid_optout.voiceid.aws_config import AwsConfig

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


@pytest.mark.parametrize("number", range(len(REGIONS)))
def test_regions(number: int) -> None:
    silent = [source.removeprefix("voiceid-optout:") for source, _ in REGIONS[:number]]
    config, environ = without(CONFIG, *silent), without(ENVIRON, *silent)
    found = precedence.region(config, AwsConfig.parse(config, environ), environ)
    assert (found.source, found.value) == REGIONS[number]


ENDPOINTS = [
    ("AWS_ENDPOINT_URL_VOICE_ID", "http://127.0.0.1:1"),
    ("voiceid-optout:endpoint", "http://127.0.0.1:2"),
    ("aws:endpoints", "http://127.0.0.1:3"),
    ("", None),
]


@pytest.mark.parametrize("number", range(len(ENDPOINTS)))
def test_endpoints(number: int) -> None:
    silent = [source.removeprefix("voiceid-optout:") for source, _ in ENDPOINTS[:number]]
    config, environ = without(CONFIG, *silent), without(ENVIRON, *silent)
    found = precedence.endpoint(config, AwsConfig.parse(config, environ), environ)
    assert (found.source, found.value) == ENDPOINTS[number]


def test_a_region_that_nobody_names() -> None:
    assert precedence.region({}, AwsConfig(), {}) == precedence.Setting(None)


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
    assert precedence.endpoint(config, AwsConfig.parse(config, {}), {}).value == url
