"""The project's service in a process of its own, with what measuring needs: counts, processor time, drift."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.cells import FULL, Quotas
from benchmarks.people import DOMAIN, PROJECT
from benchmarks.process import processor_seconds
from voiceid_optout.service.data_folder import Running, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

SERVICE = "BENCHMARK_SERVICE"  # the environment's name for the id of the service's process
LOOK_EVERY = 0.2  # seconds
_COUNT = re.compile(r'^voiceid_requests_total\{operation="(\w+)",outcome="(\w+)"\} (\d+)(?:\.0)?$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service that answers; ``environment`` is what its clients need."""

    running: Running
    environment: Mapping[str, str]

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the answers by operation, and those among them that were refused for their rate."""
        calls: dict[str, int] = {}
        throttled: dict[str, int] = {}
        for operation, outcome, text in _COUNT.findall(self._metrics()):
            calls[operation] = calls.get(operation, 0) + int(text)
            if outcome == "ThrottlingException":
                throttled[operation] = int(text)
        return calls, throttled

    def processor_seconds(self) -> float:
        """Return the processor time the service has used since it started."""
        return processor_seconds(self.running.pid)

    def enrol(self, speaker_ids: Iterable[str]) -> None:
        """Enrol people behind everybody's back."""
        with closing(self._admin()) as connection:
            for speaker_id in speaker_ids:
                body = {"DomainId": DOMAIN, "CustomerSpeakerId": speaker_id, "Status": "ENROLLED"}
                _ask(connection, "POST", "/speakers", json.dumps(body))

    @contextmanager
    def watching(self, operation: str) -> Iterator[Window]:
        """Note during a block when the calls of an operation begin and end."""
        window, stopped = Window(), threading.Event()

        def watch() -> None:
            while not stopped.wait(LOOK_EVERY):
                window.see(time.perf_counter(), self.counts()[0].get(operation, 0))

        window.see(time.perf_counter(), self.counts()[0].get(operation, 0))
        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield window
        finally:
            stopped.set()
            thread.join()
            window.see(time.perf_counter(), self.counts()[0].get(operation, 0))

    def _metrics(self) -> str:
        with closing(self._admin()) as connection:
            return _ask(connection, "GET", "/metrics")

    def _admin(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.running.admin_url or "").netloc, timeout=60)


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: str | None = None) -> str:
    connection.request(method, path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"the service's admin port answers {answer.status}")
    return text


class Window:
    """When calls were answered, to a fifth of a second: the first and the last look that saw more than before."""

    def __init__(self) -> None:
        self._last: tuple[float, int] | None = None
        self._began = self._ended = 0.0
        self._calls = 0

    def see(self, now: float, count: int) -> None:
        """Take a look: so many calls have been answered."""
        if self._last is not None and count > self._last[1]:
            self._began = self._began or self._last[0]
            self._ended = now
            self._calls += count - self._last[1]
        self._last = now, count

    def told(self) -> dict[str, float]:
        """Return the calls and the seconds from the first to the last; nothing if there were none."""
        if not self._calls:
            return {}
        return {"writes": self._calls, "write_seconds": round(self._ended - self._began, 3)}


@contextmanager
def service(
    folder: Path, quotas: Quotas = Quotas.NONE, latency: int = 0, *, speakers: int = FULL
) -> Iterator[Endpoint]:
    """Run the service on a data folder; ``latency`` in milliseconds is added to every call.

    ``speakers`` may be in the domain.
    """
    module = ["benchmarks.latency", str(latency)] if latency else ["voiceid_optout"]
    command = [sys.executable, "-m", *module, "serve", "--data", str(folder), "--port", "0", "--domain", DOMAIN]
    command += ["--quotas", quotas.value, "--admin-port", "0", "--test-hooks"]
    command += ["--speakers-per-domain", str(speakers)]
    command += ["--stop-with-stdin"]  # however this process ends, the service ends with it
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stdin=subprocess.PIPE) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise SystemExit("the service does not start")
            running = find(folder)
            if running is None:
                raise SystemExit("the service does not run")
            yield Endpoint(running, _environment(running, folder))
        finally:
            process.terminate()
            process.wait()  # while there is somewhere to write what it says in the end


def _environment(running: Running, folder: Path) -> dict[str, str]:
    return {
        **running.environment(),
        SERVICE: str(running.pid),
        "AWS_EC2_METADATA_DISABLED": "true",
        "PULUMI_CONFIG_PASSPHRASE": "benchmark",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_HOME": str(folder.parent / "pulumi-home"),
        "PYTHONPATH": str(PROJECT),
        "PATH": os.environ["PATH"],
    }
