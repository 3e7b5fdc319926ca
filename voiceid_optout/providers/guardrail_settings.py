"""What the stack says about the guardrails: one object of the config, checked before anything is declared."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from voiceid_optout.config import KEYS
from voiceid_optout.providers.decisions import domain_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

KEY = "voiceid-optout:guardrailSettings"
# Source: the values that CloudWatch Logs takes for retentionInDays (PutRetentionPolicy).
RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827),
    *(2192, 2557, 2922, 3288, 3653),
)
KNOWN = frozenset(KEYS[KEY.partition(":")[2]].names)
MOST_TAGS = 40  # AWS allows 50 on a resource; some are ours, and the provider's default tags come on top

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,56}")  # a role's name has 64 characters at most, and ours end in -preview
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")
_REPOSITORY = re.compile(
    r"(?P<owner>[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))(?:@(?P<owner_id>[0-9]+))?"
    r"/(?P<repo>[A-Za-z0-9_.-]{1,100})(?:@(?P<repo_id>[0-9]+))?"
)
_BRANCH = re.compile(r"[^\s*?~^:\\\x00-\x1f]{1,200}")
_ENVIRONMENT = re.compile(r"[^\s*?:'\"`,;\\\x00-\x1f][^*?:'\"`,;\\\x00-\x1f]{0,199}")
_KMS_KEY = re.compile(r"arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}")
_STATE = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[A-Za-z0-9!_.'()/-]*?))?/?")
_TAG_KEY = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")


class GuardrailsInvalid(ValueError):  # noqa: N818 - named for what is the case
    """A setting is missing or malformed; the text is one line that names its key."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on GitHub. With the ids of owner and repository, both bind what a rename would not change."""

    name: str
    subject: str
    repository_id: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read ``owner/name`` or, as GitHub's immutable subjects have it, ``owner@1234/name@5678``."""
        found = _REPOSITORY.fullmatch(text)
        if found is None or (found["owner_id"] is None) != (found["repo_id"] is None):
            return None
        return cls(f"{found['owner']}/{found['repo']}", text, found["repo_id"])


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Where the workflows keep the state on S3; ``prefix`` is empty or ends with a slash."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read ``s3://bucket/prefix``."""
        found = _STATE.fullmatch(text)
        return found and cls(found["bucket"], f"{found['prefix']}/" if found["prefix"] else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailSettings:
    """Whom the roles trust, and what they may do.

    ``domains`` are domain ids. ``oidc_provider`` None: the provider is made. ``preview_environment`` is one of
    GitHub's environments beside the one of ``environment``, whose jobs only read. ``domain_key`` is the KMS key of
    the domains, ``events_key`` the one for log group and topic.
    """

    name: str
    account: str
    region: str
    domains: tuple[str, ...]
    repository: Repository
    branch: str = "main"
    environment: str
    preview_environment: str
    releases: bool = False
    session_hours: int = 1
    state: StateFolder | None = None
    oidc_provider: str | None = None
    domain_key: str | None = None
    log_retention_days: int = 365
    topic: bool = False
    events_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, given: object, *, stack: str, region: str | None, domains: Iterable[str]) -> Self:
        """Read the object of the config. Raises :class:`GuardrailsInvalid` with the first fault.

        Source of the ways to bind a role to a repository: the claims of GitHub's tokens that AWS STS compares.
        """
        if not isinstance(given, dict):
            raise GuardrailsInvalid(f"{KEY} is not an object: it needs account and repository (see docs/aws.md)")
        if unknown := sorted(set(map(str, given)) - KNOWN):
            raise GuardrailsInvalid(f"{KEY} has no {unknown[0]!r}; it has {', '.join(sorted(KNOWN))}")
        read = _Reader(given)
        found = tuple(sorted(set(domains)))
        if not found or any(map(domain_fault, found)):
            raise GuardrailsInvalid(
                "guardrails need domain ids of 22 letters and digits: set voiceid-optout:domains"
            )
        if region is None or not _REGION.fullmatch(region):
            raise GuardrailsInvalid("guardrails need a region such as eu-central-1: set voiceid-optout:region")
        environment = read.text("environment", stack, _ENVIRONMENT.fullmatch, "an environment of GitHub")
        account = read.text("account", None, _ACCOUNT.fullmatch, "an account of 12 digits, in quotes")
        preview = f"{environment}-preview"
        settings = cls(
            name=read.text(
                "name", f"voiceid-optout-{stack}", _NAME.fullmatch, "1 to 56 letters, digits, `_`, `.` or `-`"
            ),
            account=account,
            region=region,
            domains=found,
            repository=read.repository(),
            branch=read.text("branch", "main", _BRANCH.fullmatch, "the name of one branch"),
            environment=environment,
            preview_environment=read.text(
                "previewEnvironment", preview, _ENVIRONMENT.fullmatch, "an environment of GitHub"
            ),
            releases=read.switch("releases"),
            session_hours=read.number("sessionHours", 1, range(1, 13), "a number of hours from 1 to 12"),
            state=read.state(),
            oidc_provider=read.optional(
                "oidcProvider", _is_provider(account), "the ARN of an OIDC provider of the account"
            ),
            domain_key=read.optional("domainKey", _KMS_KEY.fullmatch, "the ARN of a KMS key, not of an alias"),
            log_retention_days=read.number(
                "logRetentionDays",
                365,
                RETENTIONS,
                f"what CloudWatch Logs takes: {_listed(RETENTIONS)} days",
            ),
            topic=read.switch("topic"),
            events_key=read.optional("eventsKey", _KMS_KEY.fullmatch, "the ARN of a KMS key, not of an alias"),
            tags=read.tags(),
        )
        if settings.preview_environment == settings.environment:
            raise GuardrailsInvalid(f"{KEY}.previewEnvironment is not the environment that may apply")
        return settings


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _is_provider(account: str) -> Callable[[str], object]:
    return re.compile(rf"arn:aws:iam::{account}:oidc-provider/[A-Za-z0-9./_-]+").fullmatch


class _Reader:
    """Takes settings out of the object one by one."""

    def __init__(self, given: Mapping[Any, Any]) -> None:
        self._given = given

    def text(self, key: str, default: str | None, fits: Callable[[str], object], what: str) -> str:
        value = self._given.get(key, default)
        if value is None:
            raise GuardrailsInvalid(f"{KEY}.{key} is missing: {what}")
        if not isinstance(value, str) or not fits(value):
            raise GuardrailsInvalid(f"{KEY}.{key} is not {what}")
        return value

    def optional(self, key: str, fits: Callable[[str], object], what: str) -> str | None:
        return None if self._given.get(key) is None else self.text(key, None, fits, what)

    def repository(self) -> Repository:
        what = "a repository as owner/name, or with both ids as owner@1234/name@5678"
        text = self.text("repository", None, Repository.parse, what)
        repository = Repository.parse(text)
        if repository is None:
            raise GuardrailsInvalid(f"{KEY}.repository is not {what}")
        return repository

    def switch(self, key: str) -> bool:
        value = self._given.get(key, False)
        if not isinstance(value, bool):
            raise GuardrailsInvalid(f"{KEY}.{key} is true or false, nothing else")
        return value

    def state(self) -> StateFolder | None:
        text = self.optional("stateUrl", StateFolder.parse, "a folder on S3 as s3://bucket/prefix")
        return StateFolder.parse(text) if text else None

    def number(self, key: str, default: int, known: Collection[int], what: str) -> int:
        value = self._given.get(key, default)
        if isinstance(value, bool) or value not in known:
            raise GuardrailsInvalid(f"{KEY}.{key} is not {what}")
        return int(value)

    def tags(self) -> dict[str, str]:
        value = self._given.get("tags", {})
        if (
            not isinstance(value, dict)
            or len(value) > MOST_TAGS
            or not all(
                isinstance(text, str) and _TAG_KEY.fullmatch(key) and _TAG_VALUE.fullmatch(text)
                for key, text in value.items()
            )
        ):
            raise GuardrailsInvalid(f"{KEY}.tags is not an object of at most {MOST_TAGS} tags as AWS takes them")
        return dict(value)
