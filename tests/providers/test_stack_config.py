from pathlib import Path

import pulumi
import pytest

from tests.providers.monitor import run_program
from tests.voiceid.scripted import DOMAIN
from voiceid_optout.providers.stack_config import Grouping, Guardrails, StackConfig


def read(config: dict[str, str], secret_keys: tuple[str, ...] = ()) -> StackConfig:
    found: list[StackConfig] = []
    run_program(lambda: found.append(StackConfig.read()), config, secret_keys)
    return found[0]


def test_defaults() -> None:
    config = read({})
    assert config == StackConfig(Path("config"), {}, None, None)
    assert config.key(DOMAIN) == DOMAIN


def test_everything_set() -> None:
    given = {"register": "people", "domains": f'{{"emea": "{DOMAIN}"}}', "domain": "emea", "labelKey": "hush"}
    config = read(given)
    assert config == StackConfig(Path("people"), {"emea": DOMAIN}, DOMAIN, "hush")
    assert config.key(DOMAIN) == "hush"


def test_a_domain_that_is_no_alias_is_an_id() -> None:
    assert read({"domain": DOMAIN}).default_domain == DOMAIN


def test_a_secret_label_key_is_read_without_a_warning() -> None:
    assert read({"labelKey": "hush"}, ("voiceid-optout:labelKey",)).label_key == "hush"


def test_the_label_key_is_not_in_repr() -> None:
    assert "hush" not in repr(read({"labelKey": "hush"}))


@pytest.mark.parametrize("domains", ["{", "[1]", '{"emea": 1}', '"emea"'])
def test_domains_that_are_no_object(domains: str) -> None:
    with pytest.raises(pulumi.RunError, match="voiceid-optout:domains is not an object") as caught:
        read({"domains": domains})
    assert caught.value.__suppress_context__ or not caught.value.__context__


@pytest.mark.parametrize(("text", "grouping"), [("single", Grouping.SINGLE), ("sharded", Grouping.SHARDED)])
def test_grouping(text: str, grouping: Grouping) -> None:
    assert read({"grouping": text}).grouping is grouping


def test_a_grouping_that_is_none() -> None:
    with pytest.raises(pulumi.RunError, match="voiceid-optout:grouping is single or sharded"):
        read({"grouping": "Sharded"})


@pytest.mark.parametrize(
    ("given", "means"),
    [({}, Guardrails.OFF), *(({"guardrails": text}, Guardrails(text)) for text in ("true", "false", "only"))],
)
def test_guardrails_are_off_unless_asked_for(given: dict[str, str], means: Guardrails) -> None:
    assert read(given).guardrails is means


def test_guardrails_that_are_neither_on_nor_off() -> None:
    with pytest.raises(pulumi.RunError, match="voiceid-optout:guardrails is false or true or only, nothing else"):
        read({"guardrails": "yes"})


@pytest.mark.parametrize(
    ("config", "variable", "value", "words"),
    [
        (
            {"endpoint": "https://a.example.org"},
            "AWS_ENDPOINT_URL_VOICE_ID",
            "http://127.0.0.1:1",
            "https://a.example.org",
        ),
        ({}, "OPTOUT_ENV_FOR", "voiceid-optout/elsewhere", "printed for voiceid-optout/elsewhere"),
        ({}, "PULUMI_CONFIG_PASSPHRASE", "local", "which everybody knows"),
        ({}, "PULUMI_CONFIG_PASSPHRASE", "", "is empty"),
        ({"service": "embedded", "endpoint": "https://a.example.org"}, "X", "", "beside voiceid-optout:endpoint"),
    ],
)
def test_the_program_refuses_what_leads_elsewhere(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, str], variable: str, value: str, words: str
) -> None:
    """The raw Pulumi CLI asks nobody else."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(pulumi.RunError, match=words):
        read(config)
