"""The service's own maximum: ``python -m benchmarks.load PEOPLE CONNECTIONS`` opts so many people out.

Requests are signed before the clock starts and sent as bytes over connections that stay open, so that next to
nothing but the service is measured. Printed is JSON: the seconds, and the median and 99th percentile of answers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from urllib.parse import urlsplit

import uvloop
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

from benchmarks.people import DOMAIN, speaker_id

_END = b"\r\n\r\n"


def signed(url: str, people: int) -> list[bytes]:
    """Return a request for each person."""
    session = Session()
    signer = SigV4Auth(session.get_credentials(), "voiceid", os.environ["AWS_REGION"])
    return [_request(signer, url, speaker_id(number)) for number in range(people)]


def _request(signer: SigV4Auth, url: str, speaker: str) -> bytes:
    body = json.dumps({"DomainId": DOMAIN, "SpeakerId": speaker}).encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "VoiceID.OptOutSpeaker"}
    request = AWSRequest("POST", url, headers=headers, data=body)
    signer.add_auth(request)
    sent = {"Host": urlsplit(url).netloc, "Content-Length": str(len(body)), **dict(request.headers.items())}
    return (
        "\r\n".join(["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]).encode()
        + body
    )


async def send(url: str, requests: list[bytes], connections: int) -> list[float]:
    """Send all requests; returns the seconds that each answer took. One that is no success ends the program."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    took: list[float] = []

    async def client(share: list[bytes]) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for request in share:
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(_END)
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            body = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"the service answers {head[:20]!r} {body[:80]!r}")
            took.append(time.perf_counter() - started)
        writer.close()

    await asyncio.gather(*(client(requests[start::connections]) for start in range(connections)))
    return took


def main(people: int, connections: int) -> None:
    """Sign, send and print."""
    url = os.environ["AWS_ENDPOINT_URL_VOICE_ID"] + "/"
    requests = signed(url, people)
    started = time.perf_counter()
    took = sorted(uvloop.run(send(url, requests, connections)))
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "p50": took[people // 2], "p99": took[int(people * 0.99)]}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
