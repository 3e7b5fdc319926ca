"""The policies of the guardrails as documents: who may become a role, what it may do, what EventBridge may write.

Every name is known beforehand, so a preview shows each policy as it will be, and nothing here needs Pulumi.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voiceid_optout.providers.guardrail_settings import GuardrailSettings, StateFolder

Document = dict[str, Any]

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
READS = ("voiceid:DescribeDomain", "voiceid:DescribeSpeaker", "voiceid:ListSpeakers")
OPT_OUT = "voiceid:OptOutSpeaker"
DELETE = "voiceid:DeleteSpeaker"
# The values of `action` are nowhere documented, so what is left out is named, in both ways that AWS writes such
# words, and not what is let through: a watch that says too much is better than one that misses a deletion.
OPT_OUT_EVENTS = ("OPT_OUT_SPEAKER", "OptOutSpeaker")


@dataclass(frozen=True, slots=True)
class Names:
    """What the resources are called, and their ARNs. Voice ID was only ever in the partition ``aws``."""

    settings: GuardrailSettings

    @property
    def preview_role(self) -> str:
        """The name of the role that reads."""
        return f"{self.settings.name}-preview"

    @property
    def apply_role(self) -> str:
        """The name of the role that writes."""
        return f"{self.settings.name}-apply"

    @property
    def log_group(self) -> str:
        """The name of the log group; EventBridge writes only to those below ``/aws/events/``."""
        return f"/aws/events/{self.settings.name}"

    @property
    def oidc_provider_arn(self) -> str:
        """The provider that is given, or the one that is made: an account has one for an issuer."""
        return self.settings.oidc_provider or f"arn:aws:iam::{self.settings.account}:oidc-provider/{ISSUER}"

    @property
    def domain_arns(self) -> list[str]:
        """The domains of the stack."""
        return [self._arn("voiceid", f"domain/{domain}") for domain in self.settings.domains]

    @property
    def log_group_arn(self) -> str:
        """The log group."""
        return self._arn("logs", f"log-group:{self.log_group}")

    @property
    def rule_arn(self) -> str:
        """The rule on the default bus."""
        return self._arn("events", f"rule/{self.settings.name}")

    @property
    def topic_arn(self) -> str:
        """The topic, if there is to be one."""
        return self._arn("sns", self.settings.name)

    def _arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.settings.region}:{self.settings.account}:{rest}"


def preview_trust(settings: GuardrailSettings) -> Document:
    """Trust jobs of the repository for a pull request, or in the environment whose jobs only read.

    A pull request from a fork gets no token unless its owner allows that, and then one of the fork's own name.
    """
    subject = f"repo:{settings.repository.subject}"
    return _trust(
        settings, [f"{subject}:pull_request", f"{subject}:environment:{settings.preview_environment}"], {}
    )


def apply_trust(settings: GuardrailSettings) -> Document:
    """Trust jobs of the repository in one environment, on one branch.

    GitHub's subject names the environment and then no branch, so the branch is a claim of its own.
    """
    subject = f"repo:{settings.repository.subject}:environment:{settings.environment}"
    more = {"environment": settings.environment, "ref": f"refs/heads/{settings.branch}"}
    return _trust(settings, [subject], more)


def _trust(settings: GuardrailSettings, subjects: list[str], more: dict[str, str]) -> Document:
    claims: dict[str, Any] = {"aud": AUDIENCE, "sub": subjects, "repository": settings.repository.name, **more}
    if settings.repository.repository_id is not None:
        claims["repository_id"] = settings.repository.repository_id
    return _document(
        {
            "Sid": "GitHubActions",
            "Effect": "Allow",
            "Principal": {"Federated": Names(settings).oidc_provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{ISSUER}:{name}": value for name, value in claims.items()}},
        }
    )


def preview_permissions(settings: GuardrailSettings) -> Document:
    """Allow what a preview and the nightly look for drift ask."""
    return _permissions(settings, READS, ("s3:GetObject",))


def apply_permissions(settings: GuardrailSettings) -> Document:
    """Allow what an `up` does. Only with releases it may delete a speaker, which forgets an opt-out."""
    actions = (*READS, OPT_OUT, *([DELETE] if settings.releases else []))
    return _permissions(settings, actions, ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"))


def _permissions(settings: GuardrailSettings, actions: tuple[str, ...], on_state: tuple[str, ...]) -> Document:
    statements: list[Document] = [
        {
            "Sid": "Register",
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": Names(settings).domain_arns,
        }
    ]
    if settings.domain_key is not None:
        # Voice ID uses the key of a domain in its caller's name.
        service = f"voiceid.{settings.region}.amazonaws.com"
        statements.append(
            {
                "Sid": "DomainKey",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": settings.domain_key,
                "Condition": {"StringEquals": {"kms:ViaService": service}},
            }
        )
    if settings.state is not None:
        statements += _on_state(settings.state, on_state)
    return _document(*statements)


def _on_state(state: StateFolder, actions: tuple[str, ...]) -> list[Document]:
    """Allow what `aws s3 sync` of the state takes, in the direction of the role."""
    bucket = f"arn:aws:s3:::{state.bucket}"
    return [
        {
            "Sid": "ListState",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": f"{state.prefix}*"}},
        },
        {
            "Sid": "State",
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": f"{bucket}/{state.prefix}*",
        },
    ]


def event_pattern(settings: GuardrailSettings) -> Document:
    """Match what happens to speakers of these domains but their opt-outs: deletions and enrolments.

    The guide writes ``domainID``, EventBridge's registered schema ``domainId``; either will do.
    """
    others = {"action": [{"anything-but": list(OPT_OUT_EVENTS)}]}
    return {
        "source": ["aws.voiceid"],
        "detail-type": ["VoiceId Speaker Action"],
        "account": [settings.account],
        "detail": {
            "$or": [{name: list(settings.domains), **others} for name in ("domainId", "domainID")],
        },
    }


def log_policy(settings: GuardrailSettings) -> Document:
    """Let EventBridge write to the log group; which rule it writes for can be asked for events only."""
    names = Names(settings)
    services = {"Service": ["events.amazonaws.com", "delivery.logs.amazonaws.com"]}
    return _document(
        {
            "Sid": "CreateStreams",
            "Effect": "Allow",
            "Principal": services,
            "Action": "logs:CreateLogStream",
            "Resource": f"{names.log_group_arn}:*",
        },
        {
            "Sid": "PutEvents",
            "Effect": "Allow",
            "Principal": services,
            "Action": "logs:PutLogEvents",
            "Resource": f"{names.log_group_arn}:*",
            "Condition": {"ArnEquals": {"aws:SourceArn": names.rule_arn}},
        },
    )


def topic_policy(settings: GuardrailSettings) -> Document:
    """Let EventBridge publish to the topic for this rule, and nobody else who is not of the account."""
    names = Names(settings)
    return _document(
        {
            "Sid": "PublishEvents",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": names.topic_arn,
            "Condition": {
                "ArnEquals": {"aws:SourceArn": names.rule_arn},
                "StringEquals": {"aws:SourceAccount": settings.account},
            },
        }
    )


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}
