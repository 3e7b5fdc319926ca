"""The service for tests: as a real child process, or in a thread of the test's own process.

Both listen on free loopback ports with an admin port, and both are spoken to over real HTTP.
"""

import asyncio
import configparser
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from voiceid_optout.model import MODEL_ROOT
from voiceid_optout.service.data_folder import Running, find
from voiceid_optout.service.server import serve
from voiceid_optout.service.settings import AdminSettings, Limits, Settings, Tenant

REGION = "us-east-1"
TIMEOUT = 600  # seconds until a service must listen, end or answer
START = [sys.executable, "-c", "from voiceid_optout.cli.serve import command; command()"]

SANDBOX = ["--admin-port", "0", "--test-hooks", "--quotas", "none"]


@dataclass(frozen=True)
class Service:
    """A running service: where it listens, its keys, and its test hooks."""

    running: Running
    data: Path
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return self.running.url

    @property
    def admin_url(self) -> str:
        assert self.running.admin_url is not None
        return self.running.admin_url

    def keys(self) -> tuple[str, str]:
        """Return the access key id and the secret access key."""
        parser = configparser.ConfigParser()
        parser.read(str(self.running.credentials_file))
        return parser["default"]["aws_access_key_id"], parser["default"]["aws_secret_access_key"]

    def client(self, *, own_model: bool = False, **overrides: Any) -> Any:
        """Return a boto3 client of this service; ``own_model`` loads the project's model instead of botocore's."""
        core = botocore.session.get_session()
        if own_model:
            core.get_component("data_loader").search_paths.insert(0, str(MODEL_ROOT))
        access_key, secret = ("", "") if "aws_access_key_id" in overrides else self.keys()
        settings = {
            "region_name": self.running.region,
            "endpoint_url": self.url,
            "aws_access_key_id": access_key,
            "aws_secret_access_key": secret,
            "config": Config(retries={"max_attempts": 1}, max_pool_connections=32),
        }
        client = boto3.Session(botocore_session=core).client("voice-id", **{**settings, **overrides})
        client.meta.events.register("before-sign.voice-id", _sign_apart)
        return client

    def admin(self, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        """Return status and text of the admin port's answer: to a POST of ``body``, or to a GET without one."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.admin_url + path, data, {"Content-Type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def new_domain(self) -> str:
        """Make a domain that no other test knows; AWS's quota of domains does not count here."""
        domain_id = uuid.uuid4().hex[:22]
        self._hook("/domains", {"DomainId": domain_id})
        return domain_id

    def suspend(self, domain_id: str) -> None:
        self._hook(f"/domains/{domain_id}/suspend", {})

    def reactivate(self, domain_id: str) -> None:
        self._hook(f"/domains/{domain_id}/reactivate", {})

    def seed(self, domain_id: str, speaker_id: str, status: str, *, recreate: bool = False) -> dict[str, Any]:
        """Create or override a speaker and return it."""
        body = {
            "DomainId": domain_id,
            "CustomerSpeakerId": speaker_id,
            "Status": status,
            "Recreate": recreate,
        }
        speaker: dict[str, Any] = self._hook("/speakers", body)["Speaker"]
        return speaker

    def _hook(self, path: str, body: object) -> Any:
        status, text = self.admin(path, body)
        assert status == 200, text
        return json.loads(text)


def _sign_apart(request: Any, **_: Any) -> None:
    """Let no two calls be the same to the byte: tests do within a second what people do within days."""
    request.headers["X-Test-Call"] = uuid.uuid4().hex


@contextmanager
def child(data: Path, *options: str) -> Iterator[Service]:
    """Run ``optout serve`` as a process for the time of the block; it is killed if it does not end by itself."""
    command = [*START, "--data", str(data), "--port", "0", *SANDBOX, "--stop-with-stdin", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        try:
            assert process.stdout.readline().startswith("Ready"), "the service did not start"
            running = find(data)
            assert running is not None
            yield Service(running, data, process)
        finally:
            process.stdin.close()
            try:
                process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def thread(data: Path, limits: Limits | None = None, **settings: Any) -> Iterator[Service]:
    """Run the service in a thread of this process for the time of the block."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: list[Running] = []
    faults: list[Exception] = []
    stop = asyncio.Event()

    def on_ready(running: Running) -> None:
        found.append(running)
        ready.set()

    admin = AdminSettings(port=0, hooks=True)
    chosen = Settings(data, Tenant(REGION, limits=limits or Limits()), **{"port": 0, "admin": admin, **settings})

    def run() -> None:
        try:
            loop.run_until_complete(serve(chosen, stop, on_ready))
        except Exception as error:  # noqa: BLE001  raised again by the block that waits
            faults.append(error)
        finally:
            loop.close()
            ready.set()

    runner = threading.Thread(target=run, name="service under test")
    runner.start()
    try:
        assert ready.wait(TIMEOUT)
        if faults:
            raise faults[0]
        yield Service(found[0], data)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        runner.join(TIMEOUT)
        assert not runner.is_alive(), "the service did not end"
