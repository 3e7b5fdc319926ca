"""Where a service listens: found through its data folder."""

import json
from dataclasses import dataclass
from pathlib import Path

from voiceid_optout.service.auth.credentials_file import FILE_NAME as CREDENTIALS_NAME
from voiceid_optout.service.folder import ENDPOINT_NAME, holder


@dataclass(frozen=True, slots=True)
class Running:
    """A service that answers now. ``admin_url`` is None when it has no admin port.

    ``credentials_file`` is None when it takes only keys of `optout serve keys`.
    """

    url: str
    admin_url: str | None
    pid: int
    region: str
    credentials_file: Path | None

    def environment(self) -> dict[str, str]:
        """Return the variables that point any AWS client at this service, and at its file of keys if it has one."""
        keys = self.credentials_file
        return {
            "AWS_ENDPOINT_URL_VOICE_ID": self.url,
            **({} if keys is None else {"AWS_SHARED_CREDENTIALS_FILE": str(keys.resolve())}),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }


def find(data_dir: Path) -> Running | None:
    """Return the service that holds ``data_dir`` and listens, or None.

    The lock decides: an ``endpoint.json`` left behind by a killed service is not believed.
    """
    pid = holder(data_dir)
    if pid is None:
        return None
    try:
        endpoint = json.loads((data_dir / ENDPOINT_NAME).read_text(encoding="utf-8"))
        running = Running(
            url=endpoint["url"],
            admin_url=endpoint.get("admin_url"),
            pid=endpoint["pid"],
            region=endpoint["region"],
            credentials_file=data_dir / CREDENTIALS_NAME if "credentials" in endpoint else None,
        )
    except (OSError, ValueError, KeyError):
        return None  # it holds the data already but does not listen yet, or no longer
    return running if running.pid == pid else None
