"""The service's own maximum: signed before the clock starts, and no answer is parsed. Printed is JSON.

``python -m benchmarks.load opt-out PEOPLE CONNECTIONS`` opts so many people out: the seconds, and the median and
99th percentile of an answer's in milliseconds. ``python -m benchmarks.load pages`` walks through the domain once to
learn the tokens, and once more, which is measured: the seconds on the clock, and processor seconds of this process
and of the service.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from urllib.parse import urlsplit

import uvloop
from botocore.session import Session

from benchmarks.endpoint import SERVICE
from benchmarks.people import DOMAIN, speaker_id
from benchmarks.process import processor_seconds
from benchmarks.quota import PAGE
from benchmarks.service_load import Target, run


def target() -> Target:
    """Return the endpoint and key of the environment."""
    place = urlsplit(os.environ["AWS_ENDPOINT_URL_VOICE_ID"])
    key = Session().get_credentials()
    return Target(
        str(place.hostname), int(place.port or 0), os.environ["AWS_REGION"], key.access_key, key.secret_key
    )


def opt_out(people: int, connections: int) -> dict[str, float]:
    """Sign and send; returns what was measured."""
    place = target()
    requests = place.requests(DOMAIN, [speaker_id(number) for number in range(people)])
    result = uvloop.run(run(place, requests, connections))
    if result.failures:
        raise SystemExit(f"{len(result.failures)} requests failed, the first with {result.failures[0][:200]!r}")
    return {"seconds": result.seconds, "p50": result.percentile(0.5), "p99": result.percentile(0.99)}


def pages() -> dict[str, float]:
    """Read all pages twice over one connection; returns what the second time took."""
    place, service = target(), int(os.environ[SERVICE])
    with socket.create_connection((place.host, place.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked_for: list[dict[str, object]] = []
        token = ""
        while not asked_for or token:
            asked = {"DomainId": DOMAIN, "MaxResults": PAGE, **({"NextToken": token} if token else {})}
            asked_for.append(asked)
            (request,) = place.signed("ListSpeakers", [asked])
            token = json.loads(answer(connection, request)).get("NextToken", "")
        requests = place.signed("ListSpeakers", asked_for)
        before = time.perf_counter(), time.process_time(), processor_seconds(service)
        for request in requests:
            answer(connection, request)
        seconds, cpu = time.perf_counter() - before[0], time.process_time() - before[1]
    served = processor_seconds(service) - before[2]
    return {"seconds": seconds, "cpu": cpu, "service": served, "pages": len(asked_for)}


def answer(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the body of its answer."""
    connection.sendall(request)
    data = b""
    while (head := data.find(b"\r\n\r\n")) < 0:
        data += _received(connection)
    if not data.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"a page was refused: {data[:200]!r}")
    names = data[:head].lower()
    start = names.index(b"\r\ncontent-length:") + 17
    end = head + 4 + int(names[start:].split(b"\r\n", 1)[0])
    while len(data) < end:
        data += _received(connection)
    return data[head + 4 :]


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    if not data:
        raise SystemExit("the service closed the connection")
    return data


if __name__ == "__main__":
    print(json.dumps(pages() if sys.argv[1] == "pages" else opt_out(int(sys.argv[2]), int(sys.argv[3]))))
