import json
import os
import signal
import sys
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest

from tests.providers.guardrails import DOMAIN, GIVEN, OTHER_DOMAIN, REGION
from tests.providers.monitor import SHARD_TYPE, TYPE, Monitor, run_program
from tests.tables import each_row
from voiceid_optout.config import Config, Grouping, Guardrails
from voiceid_optout.program import (
    LAUNCHER,
    declare,
    declare_guardrails,
    end_quietly,
    guardrail_settings,
    read_config,
)
from voiceid_optout.providers.guardrail_settings import GuardrailSettings
from voiceid_optout.speakers import Person, Shard

OTHER = "BcUuCPFOsAjzg9xoByUatN"
A, B = "sp-a700000000000001", "sp-a700000000000002"


def read(config: dict[str, str], secret_keys: tuple[str, ...] = ()) -> Config:
    found: list[Config] = []
    run_program(lambda: found.append(read_config()), config, secret_keys)
    return found[0]


def test_defaults() -> None:
    config = read({})
    assert config == Config()


def test_everything_set() -> None:
    given = {"register": "people", "domains": f'{{"emea": "{DOMAIN}"}}', "domain": "emea", "labelKey": "hush"}
    config = read(given)
    assert config == Config(register="people", domains={"emea": DOMAIN}, domain=DOMAIN, label_key="hush")


def test_a_domain_that_is_no_alias_is_an_id() -> None:
    assert read({"domain": DOMAIN}).domain == DOMAIN


def test_a_secret_label_key_is_read_without_a_warning() -> None:
    assert read({"labelKey": "hush"}, ("voiceid-optout:labelKey",)).label_key == "hush"


def test_the_label_key_is_not_in_repr() -> None:
    assert "hush" not in repr(read({"labelKey": "hush"}))


@each_row("domains", ["{", "[1]", '{"emea": 1}', '"emea"'])
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


@each_row(
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


def declared(*those: Person | Shard) -> Monitor:
    return run_program(lambda: list(map(declare, those)) and None)


def person(label: str, domain_id: str = DOMAIN, ensure: str = "opted_out") -> Person:
    return Person(label, domain_id, f"planted-{label[-1]}", ensure)


def test_one_resource_a_person() -> None:
    requests = declared(person(B), person(A, ensure="released")).requests
    assert sorted((request.type, request.name, request.object["ensure"]) for request in requests) == [
        (TYPE, A, "released"),
        (TYPE, B, "opted_out"),
    ]


def test_one_resource_a_shard() -> None:
    shard = Shard(DOMAIN, "a7", f"{A} released\n{B} opted_out\n", f"{A} planted-1\n{B} planted-2\n")
    (request,) = declared(shard).requests
    assert (request.type, request.name) == (SHARD_TYPE, f"{DOMAIN}-a7")
    assert (request.object["domain_id"], request.object["members"]) == (DOMAIN, shard.members)
    assert request.object["speaker_ids"]["value"] == shard.speaker_ids


def test_the_identifier_is_not_in_repr() -> None:
    assert "planted" not in repr(person(A))
    assert "planted" not in repr(Shard(DOMAIN, "a7", f"{A} released\n", f"{A} planted-1\n"))


def settings(aws: dict[str, str] | None = None, **config: Any) -> GuardrailSettings:
    found: list[GuardrailSettings] = []

    def program() -> None:
        found.append(guardrail_settings(read_config()))

    full: dict[str, Any] = {"region": REGION, "domain": DOMAIN, "guardrailSettings": GIVEN, **config}
    texts = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in full.items()
        if value is not None
    }
    run_program(program, texts, more=aws)
    return found[0]


def test_the_domains_of_the_guardrails_are_those_of_the_config() -> None:
    made = settings(domains={"one": DOMAIN, "two": OTHER_DOMAIN}, domain="one")
    assert made.domains == tuple(sorted([DOMAIN, OTHER_DOMAIN]))
    assert settings().domains == (DOMAIN,)


def test_the_name_of_the_guardrails_comes_from_the_stack() -> None:
    assert settings().name == "voiceid-optout-test"


def test_the_region_of_the_provider_will_do() -> None:
    assert settings({"aws:region": "eu-west-2"}, region=None).region == "eu-west-2"
    assert settings({"aws:region": REGION}).region == REGION


@each_row(
    ("aws", "config", "says"),
    [
        ({"aws:region": "us-east-1"}, {}, "aws:region and voiceid-optout:region differ"),
        ({}, {"region": None}, "voiceid-optout:region"),
        ({}, {"domain": None}, "voiceid-optout:domains"),
        ({}, {"guardrailSettings": None}, "guardrailSettings is not an object"),
        ({}, {"guardrailSettings": "no JSON"}, "guardrailSettings is not an object"),
        ({}, {"guardrailSettings": {}}, r"guardrailSettings\.account is missing"),
    ],
)
def test_a_fault_of_the_guardrails_ends_the_program_with_one_line(
    aws: dict[str, str], config: dict[str, Any], says: str
) -> None:
    with pytest.raises(pulumi.RunError, match=says) as caught:
        settings(aws, **config)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_settings_are_checked_before_the_package_is_loaded() -> None:
    with pytest.raises(pulumi.RunError, match="guardrailSettings is not an object"):
        run_program(lambda: declare_guardrails(read_config()) and None, {"region": REGION, "domain": DOMAIN})


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[int, object]:
    set_: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", set_.__setitem__)
    return set_


def test_under_the_official_launcher(handlers: dict[int, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__file__=f"/opt/{LAUNCHER}"))
    end_quietly()
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    handler = handlers[signal.SIGINT]
    assert callable(handler)
    handler(signal.SIGINT, None)
    assert ended == [1]


@pytest.mark.parametrize("main", [SimpleNamespace(__file__="/usr/bin/optout"), SimpleNamespace()])
def test_anywhere_else_nothing_changes(
    main: object, handlers: dict[int, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", main)
    end_quietly()
    assert handlers == {}
