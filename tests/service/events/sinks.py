"""Sinks for tests: a web address that keeps what it gets, and one in memory."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from voiceid_optout.service.events.delivery import SinkError


@dataclass
class Hook:
    """What came in, and how to answer: the statuses in turn, the last one for ever."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [200])
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    hold: threading.Event = field(default_factory=threading.Event)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of the requests that were taken."""
        return [event for _, body in self.requests for event in json.loads(body)]


@contextmanager
def webhook() -> Iterator[Hook]:
    """Run a web server for the time of the block."""
    hook = Hook()
    hook.hold.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.hold.wait(600)
            status = hook.statuses.pop(0) if len(hook.statuses) > 1 else hook.statuses[0]
            hook.refused += status != 200
            if status == 200:
                hook.requests.append(({name.lower(): text for name, text in self.headers.items()}, body))
            self.send_response(status)
            for name, text in hook.headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        hook.url = f"http://127.0.0.1:{server.server_port}/events?token=not-for-logs"
        try:
            yield hook
        finally:
            hook.hold.set()
            server.shutdown()
            thread.join()


class MemorySink:
    """Keeps events, or refuses them a number of times first."""

    name = "memory"
    batch = 3

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.attempts = 0
        self.taken: list[str] = []

    def deliver(self, bodies: list[str]) -> None:
        self.attempts += 1
        if self.failures:
            self.failures -= 1
            raise SinkError("out of order")
        self.taken += bodies
