"""Raw sockets: requests byte by byte, and what comes back."""

import http.client
import json
import socket
from urllib.parse import urlsplit

from tests.service.calls import signed
from tests.service.http.test_app import opt_out
from tests.service.running import TIMEOUT, Service


def connected(service: Service) -> socket.socket:
    place = urlsplit(service.url)
    return socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=TIMEOUT)


def everything(connection: socket.socket) -> bytes:
    """Return all that comes until the other end closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def statuses(connection: socket.socket, count: int) -> list[int]:
    """Take this many whole answers from a connection that stays open; no more may be on their way.

    One buffer is for all of them: http.client makes one an answer, and loses with it what it holds of the next one.
    """
    found = []
    with connection.makefile("rb") as stream:
        for _ in range(count):
            found.append(int(stream.readline().split()[1]))
            headers = http.client.parse_headers(stream)
            body = stream.read(int(headers["content-length"]))
            assert json.loads(body)
    return found


def status(connection: socket.socket) -> int:
    """Take the one answer that is on its way."""
    return statuses(connection, 1)[0]


def request(service: Service, domain: str, speaker: str = "caller-1") -> bytes:
    body = opt_out(domain, speaker)
    headers = signed(service, body) | {"Content-Length": str(len(body))}
    return b"POST / HTTP/1.1\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n" + body
