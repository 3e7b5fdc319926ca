"""Raw sockets: clients that are slow, endless, too many, or gone; and the others."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.auth.keyring import until
from tests.service.calls import call, signed
from tests.service.http.raw import connected, everything, request, status
from tests.service.http.test_app import opt_out
from tests.service.http.wire import Wire
from tests.service.running import TIMEOUT, Service, thread
from voiceid_optout.service.settings import ConnectionLimits

LIMITS = ConnectionLimits(connections=12, header_bytes=4096, request_seconds=0.6, idle_seconds=1.0)
QUICK = 0.05


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voiceid_optout.service.http.servers._SWEEP_SECONDS", QUICK)
        with thread(tmp_path_factory.mktemp("limited"), connection_limits=LIMITS) as running:
            yield running


def assert_refused(answer: bytes, wanted: int) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % wanted), answer
    assert b"connection: close" in head.lower()
    assert b"x-amzn-requestid: " in head
    assert json.loads(body)["__type"].startswith("com.amazon.coral.service#")


def test_nothing_for_too_long(limited: Service) -> None:
    began = time.monotonic()
    with connected(limited) as silent:
        assert_refused(everything(silent), 408)
    assert 0.5 < time.monotonic() - began < TIMEOUT


@pytest.mark.parametrize("cut", [10, 200, -5], ids=["in the line", "in the headers", "in the body"])
def test_a_request_that_stops_half_way(limited: Service, cut: int) -> None:
    whole = request(limited, limited.new_domain())
    with connected(limited) as slow:
        slow.sendall(whole[:cut])
        assert_refused(everything(slow), 408)


def test_a_request_that_trickles(limited: Service) -> None:
    whole = request(limited, limited.new_domain())
    began = time.monotonic()
    with connected(limited) as slow:
        slow.settimeout(0.02)
        answer = b""
        for place in range(len(whole)):
            slow.sendall(whole[place : place + 1])
            try:
                answer = slow.recv(65536)
                break
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < TIMEOUT


def test_a_second_request_that_stops_half_way_on_a_kept_connection(limited: Service) -> None:
    whole = request(limited, limited.new_domain())
    with connected(limited) as kept:
        kept.sendall(whole)
        assert status(kept) == 200
        kept.sendall(whole[:50])
        assert_refused(everything(kept), 408)


def test_headers_that_are_too_large(limited: Service) -> None:
    with connected(limited) as large:
        large.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nX-Large: " + b"a" * 5000 + b"\r\n\r\n")
        assert_refused(everything(large), 431)


def test_headers_without_an_end(limited: Service) -> None:
    with connected(limited) as endless:
        endless.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n")
        sent = 0
        try:
            while sent < 1_000_000:
                endless.sendall(b"X-More: " + b"a" * 100 + b"\r\n")
                sent += 110
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 1_000_000


def test_a_large_body_is_no_large_header(limited: Service) -> None:
    tags = [{"Key": f"key-{number}", "Value": "v" * 250} for number in range(150)]
    arn = f"arn:aws:voiceid:us-east-1:000000000000:domain/{limited.new_domain()}"
    answer = call(limited, "TagResource", json.dumps({"ResourceArn": arn, "Tags": tags}).encode())
    assert answer.status == 200


def test_an_idle_connection_is_closed_without_a_word(limited: Service) -> None:
    with connected(limited) as idle:
        idle.sendall(request(limited, limited.new_domain()))
        assert status(idle) == 200
        began = time.monotonic()
        assert everything(idle) == b""
        assert 0.8 < time.monotonic() - began < TIMEOUT


def test_too_many_connections(limited: Service) -> None:
    crowd = [connected(limited) for _ in range(LIMITS.connections)]
    try:
        with connected(limited) as late:
            assert_refused(everything(late), 503)
    finally:
        for connection in crowd:
            connection.close()
    domain = limited.new_domain()
    until(lambda: works(limited, domain))


def works(service: Service, domain: str) -> bool:
    try:
        return call(service, "OptOutSpeaker", opt_out(domain)).status == 200
    except ConnectionError:
        return False


MALFORMED = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
]


@pytest.mark.parametrize("sent", MALFORMED, ids=["TLS", "HTTP/2", "nonsense", "length", "chunk", "both"])
def test_what_is_no_http_gets_an_error_of_the_service_s_form(limited: Service, sent: bytes) -> None:
    with connected(limited) as wrong:
        wrong.sendall(sent)
        assert_refused(everything(wrong), 400)


def test_what_comes_before_nonsense_is_answered_first(limited: Service) -> None:
    domain = limited.new_domain()
    with connected(limited) as mixed:
        mixed.sendall(request(limited, domain) + b"nonsense\r\n\r\n")
        answer = everything(mixed)
    first, separator, second = answer.partition(b"HTTP/1.1 400 ")
    assert first.startswith(b"HTTP/1.1 200 ")
    assert b"OPTED_OUT" in first
    assert_refused(separator + second, 400)


@pytest.mark.parametrize("count", [1, 3])
def test_a_client_that_has_closed_its_own_side_is_answered(limited: Service, count: int) -> None:
    domain = limited.new_domain()
    with connected(limited) as half:
        half.sendall(b"".join(request(limited, domain, f"caller-{number}") for number in range(count)))
        half.shutdown(socket.SHUT_WR)
        answer = everything(half)
    assert answer.count(b"HTTP/1.1 200 OK") == answer.count(b"OPTED_OUT") == count


@pytest.mark.parametrize("cut", [10, 200, -5], ids=["in the line", "in the headers", "in the body"])
def test_a_client_that_closes_its_side_half_way_is_told(limited: Service, cut: int) -> None:
    with connected(limited) as half:
        half.sendall(request(limited, limited.new_domain())[:cut])
        half.shutdown(socket.SHUT_WR)
        assert_refused(everything(half), 400)


def test_a_client_that_only_looks_in_gets_no_answer(limited: Service) -> None:
    with connected(limited) as silent:
        silent.shutdown(socket.SHUT_WR)
        assert everything(silent) == b""


def test_a_client_that_leaves_half_way_harms_nobody(limited: Service) -> None:
    domain = limited.new_domain()
    whole = request(limited, domain, "gone")
    for cut in (5, 100, len(whole) - 3):
        with connected(limited) as leaver:
            leaver.sendall(whole[:cut])
    assert call(limited, "OptOutSpeaker", opt_out(domain)).status == 200
    found = limited.client().list_speakers(DomainId=domain)["SpeakerSummaries"]
    assert [speaker["CustomerSpeakerId"] for speaker in found] == ["caller-1"]


def test_pipelined_requests_are_all_answered(limited: Service) -> None:
    domain = limited.new_domain()
    with connected(limited) as eager:
        eager.sendall(b"".join(request(limited, domain, f"caller-{number}") for number in range(5)))
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 5:
            answers += eager.recv(65536)
    assert len(limited.client().list_speakers(DomainId=domain)["SpeakerSummaries"]) == 5


@pytest.mark.costly
def test_a_client_that_does_not_take_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceid_optout.service.http.servers._SWEEP_SECONDS", QUICK)
    with thread(tmp_path, connection_limits=LIMITS) as service:
        domain = service.new_domain()
        for number in range(100):
            call(service, "OptOutSpeaker", opt_out(domain, "x" * 200 + str(number)))
        body = json.dumps({"DomainId": domain}).encode()
        headers = signed(service, body, target="VoiceID.ListSpeakers") | {"Content-Length": str(len(body))}
        head = b"POST / HTTP/1.1\r\n" + b"".join(f"{k}: {v}\r\n".encode() for k, v in headers.items()) + b"\r\n"
        with connected(service) as stubborn:
            stubborn.settimeout(0.5)
            try:
                for _ in range(400):  # 45 kB each, which no buffer of the system holds
                    stubborn.sendall(head + body)
            except (TimeoutError, ConnectionError):
                pass
            until(lambda: "voiceid_connections 1.0" in service.admin("/metrics")[1])


SHORT = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


async def teapot(scope: Any, receive: Any, send: Any) -> None:
    """Answer without a look at the body."""
    await send({"type": "http.response.start", "status": 418, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


def test_headers_without_an_end_behind_a_body_that_nobody_read() -> None:
    async def main() -> None:
        wire = Wire(teapot, LIMITS)
        wire.give(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n")
        await wire.all_done()
        wire.give(bytes(3000) + SHORT[:-2])
        for _ in range(LIMITS.header_bytes // 100 + 20):
            wire.give(b"X-More: " + b"a" * 90 + b"\r\n")
        assert wire.answers.startswith(b"HTTP/1.1 418 ")
        assert b"HTTP/1.1 431 " in wire.answers
        assert wire.is_closing()

    asyncio.run(main())


async def unanswered(more: bytes) -> tuple[Wire, int]:
    """Send a request and, while it waits for its answer, as much ``more`` as is read; return that size in bytes."""
    answer = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await answer.wait()
        await teapot(scope, receive, send)

    wire, given = Wire(slow, LIMITS), 0
    wire.give(SHORT)
    for _ in range(50):
        if wire.reading:
            given += wire.give(more)
        await asyncio.sleep(0)
    assert len(wire.state.tasks) == 1
    answer.set()
    await wire.all_done()
    return wire, given


def test_requests_that_do_not_wait_for_answers_are_not_read_before_them() -> None:
    async def main() -> None:
        wire, given = await unanswered(SHORT * 2000)
        assert given == 2000 * len(SHORT)
        assert wire.answers.count(b"HTTP/1.1 418 ") == 2001
        assert wire.reading

    asyncio.run(main())


def test_headers_without_an_end_behind_a_request_that_waits() -> None:
    async def main() -> None:
        wire, given = await unanswered(SHORT[:-2] + b"X-More: a\r\n" * 2000)
        assert given < 30_000
        assert wire.answers.startswith(b"HTTP/1.1 418 ")
        assert b"HTTP/1.1 431 " in wire.answers
        assert wire.is_closing()

    asyncio.run(main())
