"""What a service is started with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from voiceid_optout.service.auth.sigv4 import WINDOW_SECONDS
from voiceid_optout.service.db.transaction import Tenant
from voiceid_optout.service.events.sinks import EventSinks
from voiceid_optout.service.http.limits import ConnectionLimits
from voiceid_optout.service.http.tls import TlsFiles


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

    ``database`` is a URL or the reference to one (see ``database_url``), None the SQLite file in the data folder.
    ``objects`` is where batch jobs find ``s3://`` objects, as ``voiceid_optout.service.jobs.objects.open_store``
    takes it.
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
