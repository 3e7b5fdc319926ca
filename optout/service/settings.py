"""What a service is started with."""

from dataclasses import dataclass, field
from pathlib import Path

from optout.service.transaction import Tenant


@dataclass(frozen=True, slots=True)
class Settings:
    """``port`` 0 takes any free one; ``admin_port`` None means no admin listener.

    ``database`` is a URL or the reference to one (see ``database_url``), None the SQLite file in the data folder.
    ``objects`` is where batch jobs find ``s3://`` objects, as ``optout.service.objects.open_store`` takes it.
    ``domains`` are (domain id, name) pairs to create at start if they are missing.
    """

    data: Path
    tenant: Tenant
    host: str = "127.0.0.1"
    port: int = 8099
    database: str | None = field(default=None, repr=False)
    admin_port: int | None = None
    objects: str | None = None
    domains: tuple[tuple[str, str], ...] = ()
