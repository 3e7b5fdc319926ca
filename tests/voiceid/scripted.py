"""A tiny HTTP server that answers as Voice ID would in cases that our service has no hook for."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
GENERATED = "id#AbCdEfGhIjKlMnOpQrStUv"


@dataclass(frozen=True)
class Answer:
    """``cut``: how many of its bytes, headers included, are sent before the connection is closed.

    ``times``: how often it is sent.
    """

    body: dict[str, Any] | bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    times: int = 1


def failure(
    code: str, *, status: int = 400, text: str = "no", headers: dict[str, str] | None = None, **more: str
) -> Answer:
    """An error as the wire has it."""
    body = {"__type": f"com.amazonaws.voiceid#{code}", "Message": text, **more}
    return Answer(body, status, headers or {})


def summary(speaker_id: str | None, generated: str = GENERATED, status: str = "OPTED_OUT") -> dict[str, Any]:
    """A speaker as the wire has it."""
    found = {
        "DomainId": DOMAIN,
        "GeneratedSpeakerId": generated,
        "Status": status,
        "CreatedAt": 1700000000.123,
        "UpdatedAt": 1700000001.5,
    }
    return found if speaker_id is None else {**found, "CustomerSpeakerId": speaker_id}


def speaker(speaker_id: str, **more: str) -> Answer:
    return Answer({"Speaker": summary(speaker_id, **more)})


Script = Callable[[str, dict[str, Any]], Answer]


@dataclass
class Scripted:
    """``calls`` are operations and bodies in the order of arrival."""

    url: str
    script: Script
    handler: type[BaseHTTPRequestHandler]
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.calls]


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Serve a script on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: two would wait for each other's acknowledgement

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].removeprefix("VoiceID.")
            server.calls.append((operation, body))
            answer = server.script(operation, body)
            raw = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            connection, self.wfile = self.wfile, BytesIO()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/x-amz-json-1.0", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
            connection.write(self.wfile.getvalue()[: answer.cut] * answer.times)
            self.wfile = connection
            self.close_connection = answer.cut is not None

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that hangs up is part of some tests."""

    with Server(("127.0.0.1", 0), Handler) as http:
        server = Scripted(f"http://127.0.0.1:{http.server_address[1]}", script, Handler)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
