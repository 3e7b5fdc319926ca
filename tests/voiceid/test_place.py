from pathlib import Path

import pytest

from tests.tables import each_row
from voiceid_optout.config import read
from voiceid_optout.voiceid.place import StackPlace, file_faults, shell_faults

PRODUCTION = "https://voiceid.example.org"
LOOPBACK = "http://127.0.0.1:8099"
ENDPOINTS = '[{"voiceid":"https://voiceid.example.org"}]'


def stack(**config: str) -> StackPlace:
    """Return a stack, its keys with two underscores for a colon."""
    texts = {key.replace("__", ":"): text for key, text in config.items()}
    return StackPlace("optouts", "production", read(texts, "optouts"), texts)


def faults_of_file(**config: str) -> list[str]:
    return list(file_faults(stack(**config)))


def faults_of_shell(made: StackPlace, **environ: str) -> list[str]:
    return list(shell_faults(made, environ))


@each_row(
    "config",
    [
        {},
        {"service": "embedded", "region": "us-east-1"},
        {"endpoint": PRODUCTION, "region": "us-east-1"},
        {"endpoint": LOOPBACK},
        {"endpoint": "http://localhost:8099"},
        {"endpoint": "http://[::1]:8099"},
        {"endpoint": "http://a.example.net:8099", "insecurePlainHttp": "true"},
        {"service": "embedded", "aws__endpoints": '[{"sts":"https://sts.example.org"}]'},
    ],
)
def test_a_file_that_names_one_place_is_right(config: dict[str, str]) -> None:
    assert faults_of_file(**config) == []


@each_row(
    ("config", "words"),
    [
        (
            {"service": "embedded", "endpoint": PRODUCTION},
            (
                "Pulumi.production.yaml has optouts:service: embedded beside voiceid-optout:endpoint: a sandbox "
                "asks its own service alone"
            ),
        ),
        ({"service": "embedded", "endpoint": LOOPBACK}, "beside voiceid-optout:endpoint"),
        ({"service": "embedded", "aws__endpoints": ENDPOINTS}, "service: embedded beside aws:endpoints"),
        ({"aws__endpoints": "{"}, "Pulumi.production.yaml: aws:endpoints is not a list"),
        (
            {"endpoint": "http://voiceid.example.org:80/"},
            (
                "Pulumi.production.yaml: http://voiceid.example.org (voiceid-optout:endpoint) is on another "
                "machine, and identifiers would travel there in clear: use https, or set "
                "voiceid-optout:insecurePlainHttp: true"
            ),
        ),
        (
            {"endpoint": "http://user:hush@a.example.net/?k=hush", "insecurePlainHttp": "false"},
            "http://a.example.net ",
        ),
        ({"endpoint": "http://127.0.0.1.example.org"}, "in clear"),
        (
            {"aws__endpoints": '[{"voiceid":"http://a.example.net"}]'},
            "http://a.example.net (aws:endpoints) is on another",
        ),
    ],
)
def test_a_file_that_contradicts_itself_is_told(config: dict[str, str], words: str) -> None:
    (fault,) = faults_of_file(**config)
    assert words in fault
    assert "hush" not in fault
    assert "\n" not in fault


def test_the_variable_that_would_win_over_the_file_is_named_with_both_places() -> None:
    environ = {"AWS_ENDPOINT_URL_VOICE_ID": LOOPBACK}
    assert faults_of_shell(stack(endpoint=PRODUCTION), **environ) == [
        (
            f"AWS_ENDPOINT_URL_VOICE_ID says {LOOPBACK} and would win over voiceid-optout:endpoint in "
            f"Pulumi.production.yaml, which says {PRODUCTION}: unset the variable, or change the file; nothing was "
            "called or written"
        ),
    ]
    assert PRODUCTION in faults_of_shell(stack(aws__endpoints=ENDPOINTS), **environ)[0]


@each_row(
    ("config", "environ", "names"),
    [
        ({"region": "us-east-1"}, {"AWS_REGION": "eu-west-2"}, ("AWS_REGION", "eu-west-2", "us-east-1")),
        ({"region": "us-east-1"}, {"AWS_DEFAULT_REGION": "eu-west-2"}, ("AWS_DEFAULT_REGION", "eu-west-2")),
        ({"aws__region": "us-east-1"}, {"AWS_REGION": "eu-west-2"}, ("AWS_REGION", "aws:region", "us-east-1")),
        (
            {"aws__endpoints": ENDPOINTS},
            {"OPTOUT_AWS_CONFIG": '{"endpoints": "[{\\"voiceid\\": \\"https://b.example.org\\"}]"}'},
            ("OPTOUT_AWS_CONFIG says https://b.example.org", PRODUCTION),
        ),
    ],
)
def test_the_same_holds_for_the_region_and_the_aws_config(
    config: dict[str, str], environ: dict[str, str], names: tuple[str, ...]
) -> None:
    (fault,) = faults_of_shell(stack(**config), **environ)
    assert all(name in fault for name in names), fault


@each_row(
    "environ",
    [
        {},
        {"AWS_ENDPOINT_URL_VOICE_ID": ""},
        {"AWS_ENDPOINT_URL_VOICE_ID": "https://VOICEID.example.org:443/", "AWS_REGION": "us-east-1"},
        {"AWS_ENDPOINT_URL": LOOPBACK},  # boto3's own for all services: the file's wins over it
    ],
)
def test_a_shell_that_says_the_same_is_right(environ: dict[str, str]) -> None:
    assert faults_of_shell(stack(endpoint=PRODUCTION, region="us-east-1"), **environ) == []


def test_where_the_file_names_no_place_the_shell_may() -> None:
    assert faults_of_shell(stack(), AWS_ENDPOINT_URL_VOICE_ID=LOOPBACK, AWS_REGION="eu-west-2") == []


def test_a_sandbox_asks_its_own_service_whatever_the_shell_says() -> None:
    shell = {"AWS_ENDPOINT_URL_VOICE_ID": PRODUCTION, "AWS_REGION": "eu-west-2"}
    assert faults_of_shell(stack(service="embedded", region="us-east-1"), **shell) == []


def test_exports_for_another_stack_are_told_with_what_to_type() -> None:
    shell = {"OPTOUT_ENV_FOR": "optouts/local", "PULUMI_STACK": "local", "AWS_SESSION_TOKEN": "", "PATH": "/bin"}
    assert faults_of_shell(stack(), **shell) == [
        (
            "this shell has the variables that `optout env` printed for optouts/local, and this is "
            "optouts/production: use another shell, or first: unset OPTOUT_ENV_FOR PULUMI_STACK AWS_SESSION_TOKEN"
        ),
    ]
    assert faults_of_shell(stack(), OPTOUT_ENV_FOR="optouts/production") == []
    (fault,) = faults_of_shell(stack(), OPTOUT_ENV_FOR="a\n::error::b")
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("", "PULUMI_CONFIG_PASSPHRASE is empty and would seal nothing"),
        (" \n", "PULUMI_CONFIG_PASSPHRASE is empty"),
        (
            "local",
            "PULUMI_CONFIG_PASSPHRASE is the sandbox's passphrase, which everybody knows, and optouts/production",
        ),
    ],
)
def test_a_passphrase_that_seals_nothing_is_for_sandboxes_alone(tmp_path: Path, phrase: str, words: str) -> None:
    path = tmp_path / "phrase"
    path.write_text(f"{phrase}\n", encoding="utf-8")
    (fault,) = faults_of_shell(stack(), PULUMI_CONFIG_PASSPHRASE=phrase)
    assert words in fault
    (fault,) = faults_of_shell(stack(), PULUMI_CONFIG_PASSPHRASE_FILE=str(path))
    assert words.replace("PASSPHRASE ", "PASSPHRASE_FILE ") in fault
    assert faults_of_shell(stack(service="embedded"), PULUMI_CONFIG_PASSPHRASE=phrase) == []


def test_a_passphrase_of_ones_own_is_not_for_a_sandbox() -> None:
    (fault,) = faults_of_shell(stack(service="embedded"), PULUMI_CONFIG_PASSPHRASE="rehearsal")
    assert fault == (
        "optouts/production is a sandbox, sealed with a passphrase that everybody knows, and "
        "PULUMI_CONFIG_PASSPHRASE would count for nothing: unset it"
    )


@each_row(
    "environ",
    [{}, {"PULUMI_CONFIG_PASSPHRASE": "rehearsal"}, {"PULUMI_CONFIG_PASSPHRASE_FILE": ""}],
)
def test_others_are_left_to_the_engine(environ: dict[str, str]) -> None:
    assert faults_of_shell(stack(), **environ) == []


def test_a_passphrase_file_that_cannot_be_read_is_left_to_the_engine(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    for name in ("none", "latin", ""):
        assert faults_of_shell(stack(), PULUMI_CONFIG_PASSPHRASE_FILE=str(tmp_path / name)) == []


def test_config_that_cannot_be_read_is_told() -> None:
    (fault,) = faults_of_shell(stack(endpoint=PRODUCTION), OPTOUT_AWS_CONFIG="{")
    assert fault == "OPTOUT_AWS_CONFIG is not a JSON object of texts"
