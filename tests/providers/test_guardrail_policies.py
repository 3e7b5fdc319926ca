"""What the policies allow, and what the rule matches; by meaning, not by text."""

import pytest

from tests.providers import guardrails
from tests.providers.eventbridge import matches
from tests.providers.guardrails import (
    ACCOUNT,
    DOMAIN,
    DOMAIN_ARN,
    LOG_STREAM,
    OTHER_DOMAIN,
    REGION,
    RULE,
    TOPIC,
    event,
    may,
    settings,
    trusts,
)
from tests.providers.iam import Request, allows, wide_open
from tests.tables import each_row
from voiceid_optout.providers import guardrail_policies as policies
from voiceid_optout.providers.guardrail_settings import GuardrailSettings


def test_the_role_of_previews_reads_for_pull_requests() -> None:
    made = settings()
    guardrails.check_preview(policies.preview_trust(made), policies.preview_permissions(made))


@pytest.mark.parametrize("releases", [False, True])
def test_the_role_that_applies_writes_for_one_branch_in_one_environment(releases: bool) -> None:
    made = settings(releases=releases)
    guardrails.check_apply(policies.apply_trust(made), policies.apply_permissions(made), releases=releases)


def test_branch_and_environment_are_what_the_stack_says() -> None:
    made = settings(branch="release/1", environment="prod", previewEnvironment="reading")
    claims = {**guardrails.MERGED, "sub": "repo:example/optouts:environment:prod", "environment": "prod"}
    assert trusts(policies.apply_trust(made), **{**claims, "ref": "refs/heads/release/1"})
    assert not trusts(policies.apply_trust(made), **{**claims, "ref": "refs/heads/main"})
    reading = {**guardrails.PULL_REQUEST, "sub": "repo:example/optouts:environment:reading"}
    assert trusts(policies.preview_trust(made), **reading)
    assert not trusts(policies.preview_trust(made), **guardrails.IN_PREVIEW)


def test_ids_bind_what_a_rename_would_not_change() -> None:
    made = settings(repository="example@1234/optouts@5678")
    subject = "repo:example@1234/optouts@5678"
    merged = {**guardrails.MERGED, "sub": f"{subject}:environment:production"}
    assert trusts(policies.apply_trust(made), **merged)
    assert not trusts(policies.apply_trust(made), **{**merged, "repository_id": "5679"})
    assert not trusts(policies.apply_trust(made), **guardrails.MERGED)
    assert trusts(policies.preview_trust(made), **{**guardrails.PULL_REQUEST, "sub": f"{subject}:pull_request"})


def test_a_provider_that_is_given_is_the_one_that_is_trusted() -> None:
    given = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{guardrails.ISSUER}/enterprise"
    trust = policies.apply_trust(settings(oidcProvider=given))
    assert trusts(trust, given, **guardrails.MERGED)
    assert not trusts(trust, **guardrails.MERGED)


def test_several_domains_of_a_stack() -> None:
    made = GuardrailSettings.parse(
        guardrails.GIVEN, stack="production", region=REGION, domains=[DOMAIN, OTHER_DOMAIN]
    )
    for domain in (DOMAIN, OTHER_DOMAIN):
        arn = f"arn:aws:voiceid:{REGION}:{ACCOUNT}:domain/{domain}"
        assert may(policies.apply_permissions(made), "OptOutSpeaker", arn)
        assert matches(policies.event_pattern(made), event("DELETE_SPEAKER", domain))


def test_the_domains_key_is_used_through_voice_id_alone() -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    permissions = policies.preview_permissions(settings(domainKey=key))
    through = {"kms:ViaService": f"voiceid.{REGION}.amazonaws.com"}
    assert allows(permissions, Request("kms:Decrypt", key, through))
    assert not allows(permissions, Request("kms:Decrypt", key))
    assert not allows(permissions, Request("kms:Decrypt", key, {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}))
    assert not allows(permissions, Request("kms:Decrypt", f"{key}0", through))
    assert not allows(permissions, Request("kms:CreateGrant", key, through))
    guardrails.check_preview(policies.preview_trust(settings(domainKey=key)), permissions)


def test_the_state_is_read_for_previews_and_written_by_what_applies() -> None:
    made = settings(stateUrl="s3://states/optouts")
    reads, writes = policies.preview_permissions(made), policies.apply_permissions(made)
    file = "arn:aws:s3:::states/optouts/.pulumi/stacks/voiceid-optout/production.json"
    assert allows(reads, Request("s3:GetObject", file))
    assert not any(allows(reads, Request(f"s3:{action}Object", file)) for action in ("Put", "Delete"))
    assert all(allows(writes, Request(f"s3:{action}Object", file)) for action in ("Get", "Put", "Delete"))
    for permissions in (reads, writes):
        assert not allows(permissions, Request("s3:GetObject", "arn:aws:s3:::states/optouts-2/secret"))
        assert allows(permissions, Request("s3:ListBucket", "arn:aws:s3:::states", {"s3:prefix": "optouts/"}))
        assert not allows(permissions, Request("s3:ListBucket", "arn:aws:s3:::states", {"s3:prefix": "other/"}))
        assert not allows(permissions, Request("s3:ListBucket", "arn:aws:s3:::states"))
        assert not allows(permissions, Request("s3:DeleteBucket", "arn:aws:s3:::states"))
        assert may(permissions, "DescribeSpeaker", DOMAIN_ARN)


@each_row("action", ["DELETE_SPEAKER", "ENROLL_SPEAKER", "DeleteSpeaker"])
def test_deletions_and_enrolments_are_matched(action: str) -> None:
    pattern = policies.event_pattern(settings())
    assert matches(pattern, event(action))
    assert not matches(pattern, event(action, OTHER_DOMAIN))
    assert not matches(pattern, event(action, source="example.voiceid"))
    assert not matches(pattern, event(action, account="444455556666"))
    assert not matches(pattern, event(action, **{"detail-type": "VoiceId Fraudster Action"}))


def test_the_guides_own_spelling_of_the_domain_is_matched_too() -> None:
    pattern = policies.event_pattern(settings())
    spelt = event("DELETE_SPEAKER")
    spelt["detail"] = {"domainID": DOMAIN, "action": "DELETE_SPEAKER", "status": "SUCCESS"}
    assert matches(pattern, spelt)
    spelt["detail"]["action"] = "OPT_OUT_SPEAKER"
    assert not matches(pattern, spelt)


@each_row("action", ["OPT_OUT_SPEAKER", "OptOutSpeaker"])
@each_row("status", ["SUCCESS", "FAILURE"])
def test_opt_outs_are_not_matched(action: str, status: str) -> None:
    sent = event(action)
    sent["detail"]["status"] = status
    assert not matches(policies.event_pattern(settings()), sent)


def test_eventbridge_writes_to_the_log_for_this_rule_alone() -> None:
    document = policies.log_policy(settings())
    for service in ("events.amazonaws.com", "delivery.logs.amazonaws.com"):
        principal = ("Service", service)
        assert allows(document, Request("logs:CreateLogStream", LOG_STREAM, {}, principal))
        put = Request("logs:PutLogEvents", LOG_STREAM, {"aws:SourceArn": RULE}, principal)
        assert allows(document, put)
        assert not allows(document, Request(put.action, LOG_STREAM, {"aws:SourceArn": f"{RULE}2"}, principal))
        assert not allows(document, Request(put.action, LOG_STREAM, {}, principal))
        elsewhere = LOG_STREAM.replace("voiceid-optout-production", "another")
        assert not allows(document, Request(put.action, elsewhere, put.context, principal))
    assert not allows(document, Request("logs:DeleteLogGroup", LOG_STREAM, {}, ("Service", "events.amazonaws.com")))
    assert not allows(document, Request("logs:PutLogEvents", LOG_STREAM, {"aws:SourceArn": RULE}, ("AWS", ACCOUNT)))
    assert wide_open(document) == []


def test_eventbridge_publishes_to_the_topic_for_this_rule_alone() -> None:
    document = policies.topic_policy(settings(topic=True))
    by, ours = ("Service", "events.amazonaws.com"), {"aws:SourceArn": RULE, "aws:SourceAccount": ACCOUNT}
    assert allows(document, Request("sns:Publish", TOPIC, ours, by))
    assert not allows(document, Request("sns:Publish", f"{TOPIC}2", ours, by))
    assert not allows(document, Request("sns:Publish", TOPIC, {**ours, "aws:SourceArn": f"{RULE}2"}, by))
    assert not allows(document, Request("sns:Publish", TOPIC, {**ours, "aws:SourceAccount": "444455556666"}, by))
    assert not allows(document, Request("sns:Publish", TOPIC, ours, ("Service", "s3.amazonaws.com")))
    assert not allows(document, Request("sns:Subscribe", TOPIC, ours, by))
    assert wide_open(document) == []
