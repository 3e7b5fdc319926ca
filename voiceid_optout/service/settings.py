"""What a service is started with, and where secrets lie: data that every part may know, and that knows no part."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from voiceid_optout.service.errors import ServiceError, StartError

_WORLD = 0o007


class SecretError(ServiceError):
    """A secret cannot be had; the text says why and never holds it."""


class Kind(StrEnum):
    """``environment`` and ``file`` are references that every process of the service follows for itself."""

    STORED = "stored"
    ENVIRONMENT = "env"
    FILE = "file"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SecretSource:
    """``text`` is the secret, the variable's name, or the file's path."""

    kind: Kind
    text: str = ""

    def __repr__(self) -> str:
        return f"SecretSource({self.described})"

    @classmethod
    def parse(cls, reference: str) -> "SecretSource":
        """Return the reference that ``env:NAME`` or ``file:PATH`` stands for; raises SecretError."""
        kind, _, text = reference.partition(":")
        if not text or kind not in (Kind.ENVIRONMENT, Kind.FILE):
            raise SecretError(
                "write env:NAME or file:PATH; a secret itself would be seen by every user of the machine"
            )
        return cls(Kind(kind), os.path.abspath(text) if kind == Kind.FILE else text)  # noqa: PTH100  links may move

    @property
    def described(self) -> str:
        """What a list may show."""
        match self.kind:
            case Kind.STORED:
                return "in the store"
            case Kind.ENVIRONMENT | Kind.FILE:
                return f"{self.kind}:{self.text}"
        return "-"

    def resolve(self) -> str:
        """Return the secret; raises SecretError."""
        match self.kind:
            case Kind.STORED:
                return self.text
            case Kind.ENVIRONMENT:
                secret = os.environ.get(self.text, "")
                if not secret:
                    raise SecretError(f"the environment variable {self.text} is not set")
                return secret
            case Kind.FILE:
                return read_private(Path(self.text))
        raise SecretError("the key has no secret any more")


def read_private(path: Path) -> str:
    """Return what a secret's file holds, without the white space around it; raises SecretError.

    A group may read it, because that is how orchestrators mount secrets; everybody may not.
    """
    try:
        with path.open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_mode & _WORLD:
                raise SecretError(f"{path} can be read by every user of this machine; run: chmod o= {path}")
            secret = file.read().strip()
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not text in UTF-8") from None
    if not secret:
        raise SecretError(f"{path} is empty")
    return secret


WINDOW_SECONDS = 15 * 60
"""How far the date of a request may be from the service's clock, as AWS has it."""

EVENTS_FILE = "file"
EVENTS_WEBHOOK = "webhook"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Limits:
    """Quotas that count things; the defaults are AWS's."""

    domains: int = 3
    speakers_per_domain: int = 100_000
    tags_per_domain: int = 200
    watchlists_per_domain: int = 3
    fraudsters_per_watchlist: int = 500
    speakers_per_job: int = 10_000
    fraudsters_per_job: int = 500


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose data this is: the region and account of the domains' ARNs, the limits, and where events go.

    ``replay_window`` is for how many seconds a signature is good.
    """

    region: str
    account: str = "000000000000"
    limits: Limits = field(default_factory=Limits)
    sinks: tuple[str, ...] = ()
    replay_window: float = WINDOW_SECONDS

    def domain_arn(self, domain_id: str) -> str:
        return f"arn:aws:voiceid:{self.region}:{self.account}:domain/{domain_id}"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the certificate with the chain behind it, and its key without a passphrase."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Sizes in bytes, times in seconds. The size of a body is the application's business.

    ``request_seconds`` is for a whole request to arrive, from its first byte or from the opening of the connection,
    and for a client to take its answer.
    """

    connections: int = 1000
    header_bytes: int = 16 * 1024
    request_seconds: float = 20.0
    idle_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """An address that takes POST requests, and the secret with which they are signed."""

    url: str
    secret: SecretSource

    def check(self) -> None:
        """Raise StartError if events would go over a network in clear, or nowhere."""
        place = urlsplit(self.url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise StartError("The webhook's address must be of the form https://host/path.")
        if place.scheme == "http" and not is_loopback(place.hostname):
            raise StartError(
                "The webhook's address must begin with https://; plain HTTP is for this machine alone."
            )


@dataclass(frozen=True, slots=True)
class EventSinks:
    """The sinks a service is started with; without any, no event is recorded."""

    file: Path | None = None
    webhook: WebhookSettings | None = None

    @property
    def names(self) -> tuple[str, ...]:
        chosen = ((EVENTS_FILE, self.file), (EVENTS_WEBHOOK, self.webhook))
        return tuple(name for name, setting in chosen if setting is not None)


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may call, and how often.

    ``first_key``: make and use the data folder's own credentials file. ``rates`` are the quotas, in calls a second
    and key by operation; an operation without one has none. ``replay_window`` is in seconds.
    """

    first_key: bool = True
    rates: Mapping[str, float] = field(default_factory=dict)
    replay_window: float = WINDOW_SECONDS


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The admin port: None means no listener. ``hooks`` are for tests; whoever reaches the port can use them."""

    port: int | None = None
    host: str = "127.0.0.1"
    hooks: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """``port`` 0 takes any free one. ``plain_http`` allows an address of the network without TLS.

    ``database`` is a URL or the reference to one (:mod:`voiceid_optout.service.db.postgres` reads it), None the
    SQLite file in the data folder.
    ``objects`` is where batch jobs find ``s3://`` objects, as ``--objects`` takes it.
    ``domains`` are (domain id, name) pairs to create at start if they are missing.
    """

    data: Path
    tenant: Tenant
    host: str = "127.0.0.1"
    port: int = 8099
    database: str | None = field(default=None, repr=False)
    objects: str | None = None
    domains: tuple[tuple[str, str], ...] = ()
    tls: TlsFiles | None = None
    plain_http: bool = False
    connection_limits: ConnectionLimits = field(default_factory=ConnectionLimits)
    access: AccessSettings = field(default_factory=AccessSettings)
    admin: AdminSettings = field(default_factory=AdminSettings)
    events: EventSinks = field(default_factory=EventSinks)
    access_log: bool = False

    def check(self) -> None:
        """Raise StartError if the network would be trusted with what it must not see or do."""
        if not (is_loopback(self.host) or self.tls or self.plain_http):
            raise StartError(
                f"{self.host} can be reached from other machines, and the protocol is plain HTTP: signatures keep "
                "requests from being changed, not from being read. Give --tls-certificate and --tls-key, or allow "
                "it with --insecure-plain-http where something else in front does TLS."
            )
        if self.admin.hooks and not is_loopback(self.admin.host):
            raise StartError(
                "Test hooks change people's data without a signature: they are for a loopback address only."
            )
