"""From the stack's config, as a running program reads it."""

import json
from typing import Any

import pulumi
import pytest

from tests.providers.guardrails import DOMAIN, GIVEN, OTHER_DOMAIN, REGION
from tests.providers.monitor import run_program
from voiceid_optout.providers.declared_guardrails import declare, read
from voiceid_optout.providers.guardrail_settings import GuardrailSettings
from voiceid_optout.providers.stack_config import StackConfig


def settings(aws: dict[str, str] | None = None, **config: Any) -> GuardrailSettings:
    found: list[GuardrailSettings] = []

    def program() -> None:
        found.append(read(StackConfig.read()))

    full: dict[str, Any] = {"region": REGION, "domain": DOMAIN, "guardrailSettings": GIVEN, **config}
    texts = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in full.items()
        if value is not None
    }
    run_program(program, texts, more=aws)
    return found[0]


def test_the_domains_are_those_of_the_config() -> None:
    made = settings(domains={"one": DOMAIN, "two": OTHER_DOMAIN}, domain="one")
    assert made.domains == tuple(sorted([DOMAIN, OTHER_DOMAIN]))
    assert settings().domains == (DOMAIN,)


def test_the_name_comes_from_the_stack() -> None:
    assert settings().name == "voiceid-optout-test"


def test_the_region_of_the_provider_will_do() -> None:
    assert settings({"aws:region": "eu-west-2"}, region=None).region == "eu-west-2"
    assert settings({"aws:region": REGION}).region == REGION


@pytest.mark.parametrize(
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
def test_a_fault_ends_the_program_with_one_line(aws: dict[str, str], config: dict[str, Any], says: str) -> None:
    with pytest.raises(pulumi.RunError, match=says) as caught:
        settings(aws, **config)
    assert "\n" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_settings_are_checked_before_the_package_is_loaded() -> None:
    with pytest.raises(pulumi.RunError, match="guardrailSettings is not an object"):
        run_program(lambda: declare(StackConfig.read()) and None, {"region": REGION, "domain": DOMAIN})
