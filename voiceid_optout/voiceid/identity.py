"""Who calls: keys, profile and roles, as the stack's ``aws:`` config names them. Pure: nobody is asked yet."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key out of the stack's config."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role to assume, with what STS is told of the session. ``duration`` in seconds; None: STS's own hour."""

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


WHOEVER = Identity()  # whom boto3 finds
