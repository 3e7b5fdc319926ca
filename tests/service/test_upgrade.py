"""Clients that offer another protocol: the request is read as what it is."""

import asyncio
import http.client
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.service.calls import send, signed
from tests.service.http.raw import connected, everything, request, status, statuses
from tests.service.http.test_app import opt_out
from tests.service.http.wire import Wire
from tests.service.running import TIMEOUT, Service

H2C = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABk"}


@pytest.mark.parametrize(
    "offer",
    [H2C, {"Connection": "Upgrade", "Upgrade": "websocket"}, {"Connection": "upgrade", "Upgrade": "TLS/1.0, x/2"}],
    ids=["h2c", "websocket", "several"],
)
def test_the_offer_is_ignored_and_the_request_answered(
    service: Service, domain: str, offer: dict[str, str]
) -> None:
    body = opt_out(domain)
    answer = send(service, signed(service, body) | offer, body)
    assert answer.status == 200
    assert answer.document["Speaker"]["CustomerSpeakerId"] == "caller-1"


def test_an_offer_that_is_signed(service: Service, domain: str) -> None:
    body = opt_out(domain)
    assert send(service, signed(service, body, extra=H2C), body).status == 200


def test_the_connection_stays_open_for_more_with_and_without_offers(service: Service, domain: str) -> None:
    place = urlsplit(service.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT)
    for number, offer in enumerate((H2C, {}, H2C, H2C)):
        body = opt_out(domain, f"caller-{number}")
        connection.request("POST", "/", body, signed(service, body) | offer)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


def offering(service: Service, domain: str, speaker: str) -> bytes:
    offer = "".join(f"{name}: {value}\r\n" for name, value in H2C.items()).encode()
    return request(service, domain, speaker).replace(b"\r\n\r\n", b"\r\n" + offer + b"\r\n", 1)


def test_many_at_once(service: Service, domain: str) -> None:
    count = 300
    with connected(service) as eager:
        eager.sendall(b"".join(offering(service, domain, f"caller-{number}") for number in range(count)))
        assert statuses(eager, count) == [200] * count


@pytest.mark.parametrize("cut", [30, 150, -70, -3], ids=["line", "headers", "offer or body", "body"])
def test_one_that_comes_in_two_parts(service: Service, domain: str, cut: int) -> None:
    whole = offering(service, domain, "caller-1")
    with connected(service) as slow:
        slow.sendall(whole[:cut])
        assert service.admin("/healthz")[0] == 200  # the service has read the first part by then
        slow.sendall(whole[cut:])
        assert status(slow) == 200


def test_a_tunnel_is_refused(service: Service) -> None:
    with connected(service) as asking:
        asking.sendall(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n")
        answer = everything(asking)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"com.amazon.coral.service#MalformedHttpRequestException" in answer


def shown(method: str, path: str, headers: Mapping[bytes, bytes], body: bytes) -> bytes:
    return repr((method, path, sorted(headers.items()), body)).encode()


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what was asked, after a turn of the loop in which more can come in."""
    body, more = b"", True
    while more:
        part = await receive()
        body, more = body + part["body"], part["more_body"]
    await asyncio.sleep(0)
    content = shown(scope["method"], scope["path"], dict(scope["headers"]), body)
    head = [(b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": content})


async def answers(sent: bytes, size: int) -> bytes:
    """Return the answers to what comes in pieces of this size, none of which comes while reading is paused."""
    wire = Wire(echo)
    for start in range(0, len(sent), size):
        while not wire.reading:
            assert wire.state.tasks, "reading is paused and nothing is under way that could go on with it"
            await asyncio.sleep(0)
        wire.give(sent[start : start + size])
        await asyncio.sleep(0)
    await wire.all_done()
    assert wire.reading
    return wire.answers


def asked(number: int, offer: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Return a request and its answer: with a length, in chunks, or without a body, by the number."""
    method, path, body = ("GET", "/read", b"") if number % 3 == 2 else ("POST", "/", b"body %d" % number)
    framing = [{"Content-Length": str(len(body))}, {"Transfer-Encoding": "chunked"}, {}][number % 3]
    sent = b"3\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (body[:3], len(body) - 3, body[3:]) if number % 3 == 1 else body
    headers = {"Host": "a", **offer, "X-Number": str(number), **framing}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    content = shown(method, path, {name.lower().encode(): value.encode() for name, value in headers.items()}, body)
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(content), content)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + sent, answer


@pytest.mark.costly
def test_several_are_answered_whatever_the_pieces_they_come_in() -> None:
    offers: list[dict[str, str]] = [H2C, H2C, H2C, {}, {}, {}, {"Connection": "Upgrade", "Upgrade": "websocket"}]
    pairs = [asked(number, offer) for number, offer in enumerate(offers)]
    sent, wanted = (b"".join(parts) for parts in zip(*pairs, strict=True))

    async def every_size() -> None:
        for size in range(1, len(sent) + 1):
            assert await answers(sent, size) == wanted, f"in pieces of {size} bytes"

    asyncio.run(every_size())
