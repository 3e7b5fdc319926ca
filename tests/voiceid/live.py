"""The project's own service as a process, for tests that need a real one."""

import json
import os
import select
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from voiceid_optout.service.data_folder import Running, find

START = "from voiceid_optout.cli.serve import command; command()"
TIMEOUT = 600  # seconds for the service to listen


@dataclass(frozen=True)
class Live:
    """A running service with its admin port."""

    running: Running

    def new_domain(self) -> str:
        """Make a domain that no other test knows."""
        domain_id = uuid.uuid4().hex[:22]
        self._post("/domains", {"DomainId": domain_id})
        return domain_id

    def suspend(self, domain_id: str) -> None:
        self._post(f"/domains/{domain_id}/suspend", {})

    def seed(self, domain_id: str, speaker_id: str, status: str, *, recreate: bool = False) -> None:
        body = {"DomainId": domain_id, "CustomerSpeakerId": speaker_id, "Status": status, "Recreate": recreate}
        self._post("/speakers", body)

    def _post(self, path: str, body: dict[str, object]) -> None:
        request = urllib.request.Request(
            f"{self.running.admin_url}{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            answer.read()


@contextmanager
def served(data: Path) -> Iterator[Live]:
    """Run the service for as long as the block lasts."""
    options = ["--data", str(data), "--port", "0", "--stop-with-stdin"]
    options += ["--admin-port", "0", "--test-hooks", "--quotas", "none"]
    with subprocess.Popen(
        [sys.executable, "-c", START, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONWARNINGS": ""},
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            assert select.select([process.stdout], [], [], TIMEOUT)[0], "the service does not start"
            running = find(data)
            assert running is not None, "the service ended at once"
            yield Live(running)
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait(TIMEOUT)
