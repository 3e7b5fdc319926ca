"""The ``aws:`` config of a stack, as programs with the AWS provider have it: texts in, an identity out.

Every value arrives as text, objects as JSON. What concerns AWS's own resources alone is left out: docs/aws.md
lists what is read, what is not, and why. Nobody is asked for credentials yet.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from voiceid_optout.voiceid import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key out of the stack's config."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to assume, and its session at STS. ``duration`` is in seconds; None is STS's own hour."""

    arn: str
    session_name: str = "voiceid-optout"
    external_id: str | None = field(default=None, repr=False)
    duration: int | None = None
    policy: str | None = field(default=None, repr=False)
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Where credentials come from. With nothing set they come from where boto3 looks for them.

    ``keys`` win over ``profile``. ``roles`` are assumed one with the credentials of the one before, the first with
    those. ``sts_endpoint`` and ``sts_region`` None: STS's own in the client's region.
    """

    keys: Keys | None = None
    profile: str | None = None
    roles: tuple[Role, ...] = ()
    roles_key: str = "aws:assumeRoles"
    sts_endpoint: str | None = None
    sts_region: str | None = None
    config_file: str | None = None
    credentials_file: str | None = None


DEFAULT_IDENTITY = Identity()  # whom boto3 finds


PREFIX = "aws:"
OVERRIDE = "OPTOUT_AWS_CONFIG"
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_VOICE_ID"
NAMES = (
    *("region", "profile", "accessKey", "secretKey", "token", "assumeRole", "assumeRoles"),
    *("assumeRoleWithWebIdentity", "endpoints", "stsRegion", "sharedConfigFiles", "sharedCredentialsFiles"),
)
FULL_NAMES = tuple(f"{PREFIX}{name}" for name in NAMES)
SHORTEST, LONGEST = 900, 43_200  # seconds; source: AssumeRole's DurationSeconds

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", re.ASCII)
_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?")


@dataclass(frozen=True, slots=True)
class AwsConfig:
    """What of the config concerns this client. ``endpoints`` by the AWS provider's names of services."""

    region: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    identity: Identity = DEFAULT_IDENTITY

    @classmethod
    def parse(cls, config: Mapping[str, str], environ: Mapping[str, str]) -> Self:
        """Read full keys such as ``aws:profile``. Raises SettingsInvalid, which names the key.

        OPTOUT_AWS_CONFIG, a JSON object by the names without ``aws:``, takes the place of all of them: an engine
        keeps the config of its last run, and a refresh must be able to use today's.
        """
        texts = {name: config[f"{PREFIX}{name}"] for name in NAMES if config.get(f"{PREFIX}{name}")}
        if override := environ.get(OVERRIDE):
            texts = _override(override)
        endpoints = _endpoints(texts)
        return cls(texts.get("region"), endpoints, _identity(texts, endpoints, environ))


def _override(text: str) -> dict[str, str]:
    given = _json(OVERRIDE, text, "a JSON object of texts")
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise SettingsInvalid(f"{OVERRIDE} is not a JSON object of texts")
    return {name: value for name, value in given.items() if name in NAMES and value}


def _identity(texts: Mapping[str, str], endpoints: Mapping[str, str], environ: Mapping[str, str]) -> Identity:
    roles_key, roles = _roles(texts)
    if "assumeRoleWithWebIdentity" in texts:
        raise SettingsInvalid(
            "aws:assumeRoleWithWebIdentity is not read here: set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE"
        )
    return Identity(
        keys=_keys(texts),
        profile=texts.get("profile"),
        roles=roles,
        roles_key=roles_key,
        sts_endpoint=environ.get("AWS_ENDPOINT_URL_STS") or endpoints.get("sts"),
        sts_region=texts.get("stsRegion"),
        config_file=_file(texts, "sharedConfigFiles"),
        credentials_file=_file(texts, "sharedCredentialsFiles"),
    )


def _keys(texts: Mapping[str, str]) -> Keys | None:
    access_key, secret_key = texts.get("accessKey"), texts.get("secretKey")
    if access_key and secret_key:
        return Keys(access_key, secret_key, texts.get("token"))
    if access_key or secret_key or texts.get("token"):
        raise SettingsInvalid("aws:accessKey and aws:secretKey belong together, aws:token to both")
    return None


def _endpoints(texts: Mapping[str, str]) -> dict[str, str]:
    """Merge the list of objects; of two that name a service the last one counts."""
    what = "a list of objects such as [{voiceid: https://voiceid.example.org}]"
    given = _json("aws:endpoints", texts.get("endpoints", "[]"), what)
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise SettingsInvalid(f"aws:endpoints is not {what}")
    merged = {str(name): url for each in given for name, url in each.items()}
    for name in ("voiceid", "sts"):
        if not isinstance(merged.get(name, ""), str):
            raise SettingsInvalid(f"aws:endpoints: {name} is not a URL")
    return {name: url for name, url in merged.items() if name in {"voiceid", "sts"} and url}


def _file(texts: Mapping[str, str], name: str) -> str | None:
    given = _json(f"{PREFIX}{name}", texts.get(name, "[]"), "a list of one path")
    if given == []:
        return None
    if not isinstance(given, list) or not isinstance(given[0], str) or len(given) > 1:
        raise SettingsInvalid(f"{PREFIX}{name} is not a list of one path, which is all that can be read here")
    return given[0]


def _roles(texts: Mapping[str, str]) -> tuple[str, tuple[Role, ...]]:
    if "assumeRole" in texts and "assumeRoles" in texts:
        raise SettingsInvalid("aws:assumeRole and aws:assumeRoles are both set: keep aws:assumeRoles")
    key = "aws:assumeRole" if "assumeRole" in texts else "aws:assumeRoles"
    text = texts.get("assumeRole") or texts.get("assumeRoles") or "[]"
    given = _json(key, text, "an object with a roleArn, or a list of such")
    found = given if isinstance(given, list) else [given]
    return key, tuple(
        _role(f"{key}[{number}]" if isinstance(given, list) else key, each) for number, each in enumerate(found)
    )


def _role(key: str, given: Any) -> Role:
    if not isinstance(given, dict):
        raise SettingsInvalid(f"{key} is not an object with a roleArn")
    if unknown := sorted(set(map(str, given)) - _MEMBERS.keys()):
        raise SettingsInvalid(f"{key} has no {unknown[0]!r}; it has {', '.join(_MEMBERS)}")
    members: dict[str, Any] = {}
    for name, (member, read) in _MEMBERS.items():
        value = given.get(name)
        if value is None or value in ("", [], {}):
            continue
        try:
            members[member] = read(value)
        except ValueError as error:
            raise SettingsInvalid(f"{key}.{name} is not {error}") from None
    if "arn" not in members:
        raise SettingsInvalid(f"{key}.roleArn is missing")
    return Role(**members)


def _arn(value: Any) -> str:
    if not isinstance(value, str) or not _ROLE.fullmatch(value):
        raise ValueError("the ARN of a role")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")  # noqa: TRY004 - a fault of the config, as the others
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of texts")  # noqa: TRY004 - a fault of the config, as the others
    return tuple(map(_text, value))


def _tags(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ValueError("an object of texts")  # noqa: TRY004 - a fault of the config, as the others
    return tuple(sorted((str(key), _text(text)) for key, text in value.items()))


def _seconds(value: Any) -> int:
    """Read seconds, or a duration as Go writes it, such as 1h30m."""
    text = str(value)
    found = _DURATION.fullmatch(text)
    if text.isascii() and text.isdigit():
        seconds = int(text)
    elif found and text:
        hours, minutes, rest = (int(part or 0) for part in found.groups())
        seconds = hours * 3600 + minutes * 60 + rest
    else:
        seconds = 0
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError("a time from 15m to 12h, or its seconds")
    return seconds


def _json(key: str, text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise SettingsInvalid(f"{key} is not {what}") from None


_MEMBERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "roleArn": ("arn", _arn),
    "sessionName": ("session_name", _text),
    "externalId": ("external_id", _text),
    "duration": ("duration", _seconds),
    "durationSeconds": ("duration", _seconds),
    "policy": ("policy", _text),
    "policyArns": ("policy_arns", _texts),
    "tags": ("tags", _tags),
    "transitiveTagKeys": ("transitive_tag_keys", _texts),
    "sourceIdentity": ("source_identity", _text),
}
