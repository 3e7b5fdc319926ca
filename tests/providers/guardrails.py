"""What the tests of the guardrails share: settings, requests, and what must be true of every policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.providers.iam import Request, allows, wide_open
from voiceid_optout.providers.guardrail_settings import GuardrailSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "111122223333"
REGION = "eu-central-1"
DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
OTHER_DOMAIN = "AbCdEfGhIjKlMnOpQrStUv"
DOMAIN_ARN = f"arn:aws:voiceid:{REGION}:{ACCOUNT}:domain/{DOMAIN}"
ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/voiceid-optout-production"
LOG_STREAM = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/voiceid-optout-production:log-stream:1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:voiceid-optout-production"
GIVEN: dict[str, Any] = {"account": ACCOUNT, "repository": "example/optouts"}

READS = ("DescribeDomain", "DescribeSpeaker", "ListSpeakers")
OTHERS = (
    *("EvaluateSession", "CreateDomain", "DeleteDomain", "UpdateDomain", "StartSpeakerEnrollmentJob"),
    *("AssociateFraudster", "TagResource", "ListDomains"),
)


def settings(**given: Any) -> GuardrailSettings:
    """Return good settings with changes."""
    return GuardrailSettings.parse({**GIVEN, **given}, stack="production", region=REGION, domains=[DOMAIN])


def may(document: Mapping[str, Any], operation: str, resource: str = DOMAIN_ARN) -> bool:
    """Tell whether a role's permissions allow an operation of Voice ID."""
    return allows(document, Request(f"voiceid:{operation}", resource))


def trusts(document: Mapping[str, Any], provider: str = PROVIDER, **claims: str) -> bool:
    """Tell whether a role lets in a job with these claims."""
    context = {f"{ISSUER}:{name}": value for name, value in claims.items()}
    return allows(
        document, Request("sts:AssumeRoleWithWebIdentity", context=context, principal=("Federated", provider))
    )


# What GitHub says of a job. A job in an environment names it in its subject instead of its branch.
MERGED = {
    "aud": "sts.amazonaws.com",
    "sub": "repo:example/optouts:environment:production",
    "repository": "example/optouts",
    "repository_id": "5678",
    "environment": "production",
    "ref": "refs/heads/main",
}
PULL_REQUEST = {
    "aud": "sts.amazonaws.com",
    "sub": "repo:example/optouts:pull_request",
    "repository": "example/optouts",
    "repository_id": "5678",
    "ref": "refs/pull/7/merge",
}
IN_PREVIEW = {
    **PULL_REQUEST,
    "sub": "repo:example/optouts:environment:production-preview",
    "environment": "production-preview",
}
ON_BRANCH = {**PULL_REQUEST, "sub": "repo:example/optouts:ref:refs/heads/main", "ref": "refs/heads/main"}
FORK = {"repository": "somebody/optouts", "repository_id": "99"}
FORKED = {**PULL_REQUEST, **FORK, "sub": "repo:somebody/optouts:pull_request"}


def check_preview(trust: Mapping[str, Any], permissions: Mapping[str, Any]) -> None:
    """Check the role of previews by what it lets in and what it may do."""
    assert trusts(trust, **PULL_REQUEST)
    assert trusts(trust, **IN_PREVIEW)
    for refused in (
        *(MERGED, ON_BRANCH, FORKED, {}),
        {**IN_PREVIEW, **FORK, "sub": "repo:somebody/optouts:environment:production-preview"},
        {**PULL_REQUEST, "aud": "https://github.com/example"},
        {**PULL_REQUEST, "repository": "example/optouts-2"},
        {**PULL_REQUEST, "sub": "repo:example/optouts-2:pull_request"},
    ):
        assert not trusts(trust, **refused), refused
    for claim in ("aud", "sub", "repository"):
        assert not trusts(trust, **{name: value for name, value in PULL_REQUEST.items() if name != claim})
    assert not trusts(trust, f"arn:aws:iam::{ACCOUNT}:oidc-provider/example.org", **PULL_REQUEST)
    assert all(may(permissions, operation) for operation in READS)
    assert not any(may(permissions, operation) for operation in (*OTHERS, "OptOutSpeaker", "DeleteSpeaker"))
    check_bounds(trust, permissions)


def check_apply(trust: Mapping[str, Any], permissions: Mapping[str, Any], *, releases: bool) -> None:
    """Check the role that applies."""
    assert trusts(trust, **MERGED)
    for refused in (
        *(PULL_REQUEST, IN_PREVIEW, ON_BRANCH, FORKED, {}),
        {**MERGED, "ref": "refs/heads/feature"},
        {**MERGED, "ref": "refs/tags/main"},
        {**MERGED, "ref": "refs/pull/7/merge"},
        {**MERGED, "ref": "refs/heads/main-2"},
        {**MERGED, "sub": "repo:example/optouts:environment:staging", "environment": "staging"},
        {**MERGED, **FORK, "sub": "repo:somebody/optouts:environment:production"},
        {**MERGED, "aud": "sigstore"},
    ):
        assert not trusts(trust, **refused), refused
    for claim in ("aud", "sub", "repository", "ref", "environment"):
        assert not trusts(trust, **{name: value for name, value in MERGED.items() if name != claim})
    assert all(may(permissions, operation) for operation in (*READS, "OptOutSpeaker"))
    assert may(permissions, "DeleteSpeaker") is releases
    assert not any(may(permissions, operation) for operation in OTHERS)
    check_bounds(trust, permissions)


def check_bounds(trust: Mapping[str, Any], permissions: Mapping[str, Any]) -> None:
    """Check that nothing reaches beyond the domain of the stack."""
    for elsewhere in (
        f"arn:aws:voiceid:{REGION}:{ACCOUNT}:domain/{OTHER_DOMAIN}",
        f"arn:aws:voiceid:us-east-1:{ACCOUNT}:domain/{DOMAIN}",
        f"arn:aws:voiceid:{REGION}:444455556666:domain/{DOMAIN}",
        f"{DOMAIN_ARN}x",
    ):
        assert not any(may(permissions, operation, elsewhere) for operation in (*READS, "OptOutSpeaker", *OTHERS))
    assert not allows(permissions, Request("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any"))
    assert wide_open(permissions) == []
    assert wide_open(trust) == []


def event(action: str, domain: str = DOMAIN, **changed: Any) -> dict[str, Any]:
    """Return an event of a speaker as Voice ID sends it."""
    return {
        "version": "0",
        "id": "6c1f2a7e-0000-4000-8000-000000000001",
        "detail-type": "VoiceId Speaker Action",
        "source": "aws.voiceid",
        "account": ACCOUNT,
        "time": "2026-01-02T03:04:05Z",
        "region": REGION,
        "resources": [f"arn:aws:voiceid:{REGION}:{ACCOUNT}:domain/{domain}"],
        "detail": {
            "sourceId": "7f",
            "action": action,
            "status": "SUCCESS",
            "domainId": domain,
            "generatedSpeakerId": "id#AbCdEfGhIjKlMnOpQrStUv",
        },
        **changed,
    }
