"""Requests that offer another protocol, as Java's own client sends them, are read as what they are."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.service.calls import send, signed
from tests.service.http.test_app import opt_out
from tests.service.http.test_protocol import connected, everything, request, status
from tests.service.running import PATIENCE, Service

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
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)
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
    count = 30
    with connected(service) as eager:
        eager.sendall(b"".join(offering(service, domain, f"caller-{number}") for number in range(count)))
        assert [status(eager) for _ in range(count)] == [200] * count


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
