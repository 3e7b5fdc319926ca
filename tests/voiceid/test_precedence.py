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
