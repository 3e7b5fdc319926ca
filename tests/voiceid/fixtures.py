"""Fixtures for everything that calls Voice ID."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.voiceid.live import Live, served
from tests.voiceid.scripted import Script, Scripted, scripted
from voiceid_optout.voiceid.client import Client
from voiceid_optout.voiceid.settings import ClientSettings, Quotas

REGION = "us-east-1"
SWIFT = Quotas(opt_out=1000, describe=1000, delete=1000, list=1000)


class ManualClock:
    """A clock that moves only by sleeping; thread-safe, and remembers what was slept."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.time += seconds


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Cut the tests off from the machine's own AWS settings."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_VOICE_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")


@pytest.fixture(scope="session")
def live_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with served(tmp_path_factory.mktemp("service")) as live:
        yield live


@pytest.fixture
def live(live_service: Live, monkeypatch: pytest.MonkeyPatch) -> Live:
    """The project's service, with its keys in the environment."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(live_service.running.credentials_file))
    return live_service


@pytest.fixture
def domain(live: Live) -> str:
    return live.new_domain()


@pytest.fixture
def client(live: Live) -> Iterator[Client]:
    client = Client(ClientSettings(live.running.url, REGION, SWIFT))
    yield client
    client.close()


Serve = Callable[[Script], Scripted]
Connect = Callable[..., Client]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start scripted servers that end with the test."""
    with ExitStack() as stack:
        yield lambda script: stack.enter_context(scripted(script))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def connect(clock: ManualClock) -> Iterator[Connect]:
    """Make clients on the manual clock that end with the test."""
    with ExitStack() as stack:

        def make(url: str, quotas: Quotas = SWIFT, **more: Any) -> Client:
            client = Client(ClientSettings(url, REGION, quotas), clock=clock, **more)
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture
def closed_port() -> str:
    """The URL of a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
