"""The component against the AWS provider's own package: what it registers, under Pulumi's mocks."""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi.runtime import MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.settings import reset_options

from tests.providers import guardrails as shared
from tests.providers.eventbridge import matches
from tests.providers.guardrails import ACCOUNT, LOG_STREAM, REGION, RULE, TOPIC, event, settings
from tests.providers.iam import Request, allows
from tests.providers.process import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Recorded(Mocks):
    """``resources`` are the inputs by type and name; ``outputs`` those of the component, awaited."""

    resources: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    parents: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources[args.typ, args.name] = dict(args.inputs)
        return f"{args.name}-id", {"arn": f"arn-of:{args.typ}:{args.name}", **args.inputs}

    def call(self, args: Any) -> Any:
        raise AssertionError(f"nothing is asked of AWS, but {args.token} is")

    def one(self, kind: str, name: str | None = None) -> dict[str, Any]:
        [found] = [inputs for (type_, of), inputs in self.resources.items() if type_ == kind and name in (None, of)]
        return found

    def document(self, kind: str, member: str, name: str | None = None) -> Any:
        return json.loads(self.one(kind, name)[member])


@pytest.fixture
def _mocked() -> Iterator[None]:
    yield
    reset_options()


def declared(**given: Any) -> Recorded:
    """Declare the guardrails and return what became of them."""
    recorded = Recorded()
    set_mocks(recorded, project="voiceid-optout", stack="production", preview=False)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # the SDK's own
    def run() -> Any:
        from voiceid_optout.providers.guardrails import OptOutGuardrails

        made = OptOutGuardrails("guardrails", settings(**given))
        outputs = {
            name: getattr(made, name)
            for name in ("preview_role_arn", "apply_role_arn", "log_group_name", "topic_arn")
        }
        return pulumi.Output.all(**outputs).apply(recorded.outputs.update)

    run()
    return recorded


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pulumi_aws", None)
    monkeypatch.delitem(sys.modules, "voiceid_optout.providers.guardrails", raising=False)
    with pytest.raises(pulumi.RunError, match=r"run pip install 'voiceid-optout\[aws\]'"):
        importlib.import_module("voiceid_optout.providers.guardrails")


def test_the_lock_is_of_the_extra() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    lines = (ROOT / "requirements-aws.in").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == extra["aws"]


@pytest.mark.aws
@pytest.mark.usefixtures("_mocked")
@pytest.mark.parametrize("releases", [False, True])
def test_the_roles_are_what_their_policies_say(releases: bool) -> None:
    made = declared(releases=releases)
    role, policy = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
    shared.check_preview(
        made.document(role, "assumeRolePolicy", "guardrails-preview"),
        made.document(policy, "policy", "guardrails-preview"),
    )
    shared.check_apply(
        made.document(role, "assumeRolePolicy", "guardrails-apply"),
        made.document(policy, "policy", "guardrails-apply"),
        releases=releases,
    )
    for kind in ("preview", "apply"):
        name = f"voiceid-optout-production-{kind}"
        assert made.one(role, f"guardrails-{kind}")["name"] == name
        assert made.one(policy, f"guardrails-{kind}")["role"] == name
        assert made.outputs[f"{kind}_role_arn"] == f"arn-of:{role}:guardrails-{kind}"


@pytest.mark.aws
@pytest.mark.usefixtures("_mocked")
def test_githubs_provider_is_made_unless_one_is_given() -> None:
    kind = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
    made = declared().one(kind)
    assert (made["url"], made["clientIdLists"]) == (f"https://{shared.ISSUER}", ["sts.amazonaws.com"])
    assert kind not in {type_ for type_, _ in declared(oidcProvider=shared.PROVIDER).resources}


@pytest.mark.aws
@pytest.mark.usefixtures("_mocked")
def test_a_session_lasts_as_long_as_is_said() -> None:
    assert declared().one("aws:iam/role:Role", "guardrails-apply")["maxSessionDuration"] == 3600
    assert declared(sessionHours=6).one("aws:iam/role:Role", "guardrails-apply")["maxSessionDuration"] == 21600


@pytest.mark.aws
@pytest.mark.usefixtures("_mocked")
def test_events_go_to_a_log_that_eventbridge_may_write_to() -> None:
    made = declared(logRetentionDays=731)
    rule = made.one("aws:cloudwatch/eventRule:EventRule")
    assert rule["region"] == REGION
    assert RULE.endswith(f"/{rule['name']}")
    pattern = json.loads(rule["eventPattern"])
    assert matches(pattern, event("DELETE_SPEAKER"))
    assert matches(pattern, event("ENROLL_SPEAKER"))
    assert not matches(pattern, event("OPT_OUT_SPEAKER"))
    group = made.one("aws:cloudwatch/logGroup:LogGroup")
    assert (group["retentionInDays"], group["region"]) == (731, REGION)
    assert f":log-group:{group['name']}:" in LOG_STREAM
    permission = made.document("aws:cloudwatch/logResourcePolicy:LogResourcePolicy", "policyDocument")
    put = Request(
        "logs:PutLogEvents", LOG_STREAM, {"aws:SourceArn": RULE}, ("Service", "delivery.logs.amazonaws.com")
    )
    assert allows(permission, put)
    target = made.one("aws:cloudwatch/eventTarget:EventTarget")
    assert (target["rule"], target["region"]) == (rule["name"], REGION)
    assert target["arn"] == "arn-of:aws:cloudwatch/logGroup:LogGroup:guardrails-events"
    assert made.outputs["log_group_name"] == group["name"]
    assert made.outputs["topic_arn"] is None


@pytest.mark.aws
@pytest.mark.usefixtures("_mocked")
def test_events_go_to_a_topic_too_if_one_is_wanted() -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
    made = declared(topic=True, eventsKey=key)
    topic = made.one("aws:sns/topic:Topic")
    assert TOPIC.endswith(f":{topic['name']}")
    assert topic["kmsMasterKeyId"] == made.one("aws:cloudwatch/logGroup:LogGroup")["kmsKeyId"] == key
    context = {"aws:SourceArn": RULE, "aws:SourceAccount": ACCOUNT}
    publish = Request("sns:Publish", TOPIC, context, ("Service", "events.amazonaws.com"))
    assert allows(made.document("aws:sns/topicPolicy:TopicPolicy", "policy"), publish)
    arn = "arn-of:aws:sns/topic:Topic:guardrails-events"
    assert made.one("aws:sns/topicPolicy:TopicPolicy")["arn"] == arn
    assert made.one("aws:cloudwatch/eventTarget:EventTarget", "guardrails-topic")["arn"] == arn
    assert made.outputs["topic_arn"] == arn


@pytest.mark.aws
@pytest.mark.usefixtures("_mocked")
def test_everything_that_can_have_tags_has_them() -> None:
    made = declared(topic=True, tags={"team": "privacy"})
    tagged = Counter(type_ for (type_, _), inputs in made.resources.items() if "tags" in inputs)
    assert tagged == {
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider": 1,
        "aws:iam/role:Role": 2,
        "aws:cloudwatch/eventRule:EventRule": 1,
        "aws:cloudwatch/logGroup:LogGroup": 1,
        "aws:sns/topic:Topic": 1,
    }
    assert {
        json.dumps(inputs["tags"], sort_keys=True) for inputs in made.resources.values() if "tags" in inputs
    } == {'{"team": "privacy", "voiceid-optout:stack": "production"}'}
