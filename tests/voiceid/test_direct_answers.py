"""What comes over the wire is input: how answers to direct calls are read, and which calls are made directly."""

import socket
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from tests.voiceid.fixtures import REGION, Connect, Serve
from tests.voiceid.scripted import DOMAIN, Answer, failure, speaker
from voiceid_optout.voiceid.direct import DirectCalls, _Connection, _error_code, _read, _wire, call_number

NUMBER = "5e0e9a1c-7a5d-4b58-9d43-2f1c7f0d3a11"
WHOLE = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-Note:  a: b \r\n\r\n{"a": 1}'


def reply(answer: bytes) -> Any:
    return _read(BytesIO(answer), NUMBER)


def test_an_answer_is_read_to_its_end_and_no_further() -> None:
    stream = BytesIO(WHOLE + b"HTTP/1.1")
    assert _read(stream, NUMBER) == (200, {"content-length": "8", "x-note": "a: b"}, {"a": 1})
    assert stream.read() == b"HTTP/1.1"
    assert reply(WHOLE.replace(b" OK", b"")).status == 200
    assert reply(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n") == (503, {"content-length": "0"}, {})
    named = WHOLE.replace(b"X-Note", b"X-Optout-Call").replace(b" a: b ", NUMBER.encode())
    assert reply(named).answer == {"a": 1}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ((b"HTTP/1.1", b"HTTP/1.0"), "not an ordinary answer"),
        ((b"200", b"600"), "not an ordinary answer"),
        ((b"200", b"099"), "not an ordinary answer"),
        ((b"200", b"2000"), "not an ordinary answer"),
        ((b"OK\r\n", b"OK\n"), "not an ordinary answer"),
        ((b"Content-Length", b"Content-Size"), "not an ordinary answer"),
        ((b": 8", b": -8"), "not an ordinary answer"),
        ((b": 8", b": 8 8"), "not an ordinary answer"),
        ((b": 8", b": " + b"8" * 10), "not an ordinary answer"),
        ((b"X-Note", b"Transfer-Encoding"), "not an ordinary answer"),
        ((b"X-Note: ", b"X-Note"), "no header, or one of too many"),
        ((b"X-Note", b"CONTENT-length"), "no header, or one of too many"),
        ((b": 8", b": 9"), "not a whole object, or not for this call"),
        ((b'{"a": 1}', b"[1, 2, 3]"), ""),
        ((b'{"a": 1}', b"12345678"), "not a whole object, or not for this call"),
        ((b"X-Note", b"X-Optout-Call"), "not a whole object, or not for this call"),
    ],
)
def test_any_other_answer_is_none(change: tuple[bytes, bytes], error: str) -> None:
    assert WHOLE.count(change[0]) >= 1
    if change[0] == b"X-Note: ":
        change = (b"X-Note:  a: b", b"X-Note a b")
    with pytest.raises(ValueError, match=f"^{error}"):
        reply(WHOLE.replace(*change, 1))


def test_an_answer_that_ends_early_is_none() -> None:
    for length in range(len(WHOLE)):
        with pytest.raises(ValueError, match=r"."):
            reply(WHOLE[:length])


@pytest.mark.parametrize(("headers", "good"), [(98, True), (99, True), (100, False)])
def test_a_hundred_headers_are_read(headers: int, good: bool) -> None:
    more = b"".join(b"X-%d: a\r\n" % number for number in range(headers))
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + more + b"\r\n{}"
    if good:
        assert len(reply(answer).headers) == headers + 1
    else:
        with pytest.raises(ValueError, match=r"^no header, or one of too many$"):
            reply(answer)


@pytest.mark.parametrize(("length", "good"), [(65_536, True), (65_537, False)])
def test_a_line_of_64_kilobytes_is_read(length: int, good: bool) -> None:
    line = b"X-Long: "
    line += b"a" * (length - len(line) - 2) + b"\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + line + b"\r\n{}"
    if good:
        assert len(reply(answer).headers["x-long"]) == length - 10
    else:
        with pytest.raises(ValueError, match=r"^no header, or one of too many$"):
            reply(answer)


@pytest.mark.parametrize(("length", "good"), [(65_536, True), (65_537, False)])
def test_a_status_of_64_kilobytes_is_read(length: int, good: bool) -> None:
    line = b"HTTP/1.1 200 "
    line += b"a" * (length - len(line) - 2) + b"\r\n"
    answer = line + b"Content-Length: 2\r\n\r\n{}"
    if good:
        assert reply(answer).status == 200
    else:
        with pytest.raises(ValueError, match=r"^(no header|not an ordinary answer)"):
            reply(answer)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"__type": "com.amazonaws.voiceid#ConflictException"}, "ConflictException"),
        ({"__type": "ConflictException:http://internal/x#y"}, "ConflictException"),
        ({"__type": "a#b#ConflictException"}, "ConflictException"),
        ({"__type": "ConflictException:a:b"}, "ConflictException"),
        ({"__type": 3}, ""),
        ({}, ""),
    ],
)
def test_codes_are_read_as_the_sdk_reads_them(answer: dict[str, Any], code: str) -> None:
    assert _error_code(answer) == code


def test_a_request_as_it_goes_over_the_wire() -> None:
    assert _wire("localhost:8099", {"A": "1", "B": "2"}, b"{}") == (
        b"POST / HTTP/1.1\r\nHost: localhost:8099\r\nAccept-Encoding: identity\r\nA: 1\r\nB: 2\r\n\r\n{}"
    )


def test_the_number_of_a_call_is_a_uuid() -> None:
    numbers = {call_number() for _ in range(100)}
    assert len(numbers) == 100
    assert {UUID(number).version for number in numbers} == {4}


@pytest.mark.parametrize(
    ("change", "plain"),
    [
        ({}, True),
        ({"endpoint_url": "http://127.0.0.1:8099/"}, True),
        ({"endpoint_url": "ftp://127.0.0.1:8099"}, True),  # the SDK's own way to open a connection refuses it
        ({"endpoint_url": "http://127.0.0.1:8099/path"}, False),
        ({"endpoint_url": "http://ann@127.0.0.1:8099"}, False),
        ({"signature_version": "v4a"}, False),
        ({"proxy": "http://proxy"}, False),
    ],
)
def test_only_ordinary_places_are_called_directly(change: dict[str, str], plain: bool) -> None:
    values = {"endpoint_url": "http://127.0.0.1:8099", "signature_version": "v4", "proxy": None, **change}
    proxies = SimpleNamespace(proxy_url_for=lambda url: values["proxy"] if url == values["endpoint_url"] else "x")
    meta = SimpleNamespace(
        endpoint_url=values["endpoint_url"],
        region_name=REGION,
        service_model=SimpleNamespace(metadata={"targetPrefix": "VoiceID"}, signing_name="voiceid"),
        config=SimpleNamespace(read_timeout=7, signature_version=values["signature_version"]),
    )
    session = SimpleNamespace(_proxy_config=proxies)
    api = SimpleNamespace(
        meta=meta,
        _endpoint=SimpleNamespace(http_session=session),
        _request_signer=SimpleNamespace(_credentials=None),
    )
    calls = DirectCalls(api, user_agent="x", tries=3, known_codes=())
    assert (calls._is_plain, calls._timeout, calls._host) == (plain, 7, meta.endpoint_url.split("/")[2])
    assert calls.call("OptOutSpeaker", {}) is None  # there are no credentials


def test_a_refusal_is_raised_as_the_sdk_raises_it(serve: Serve, connect: Connect) -> None:
    body = {"__type": "com.amazonaws.voiceid#ConflictException", "Message": "no", "ConflictType": "X"}
    client = connect(serve(lambda *_: Answer(body, 409, {"x-amzn-RequestId": "r1"})).url)
    client._direct._known_codes = {"ConflictException"}
    with pytest.raises(ClientError) as raised:
        client._direct.call("OptOutSpeaker", {"DomainId": DOMAIN})
    response: Any = raised.value.response
    assert raised.value.operation_name == "OptOutSpeaker"
    assert response["Error"] == {"Code": "ConflictException"}
    assert (response["Message"], response["ConflictType"]) == ("no", "X")
    meta = response["ResponseMetadata"]
    assert (meta["HTTPStatusCode"], meta["HTTPHeaders"]["x-amzn-requestid"]) == (409, "r1")


@pytest.mark.parametrize(("status", "left"), [(399, True), (400, False), (499, False), (500, True)])
def test_only_a_client_s_fault_is_final(serve: Serve, connect: Connect, status: int, left: bool) -> None:
    client = connect(serve(lambda *_: failure("ConflictException", status=status)).url)
    client._direct._known_codes = {"ConflictException"}
    if left:
        assert client._direct.call("OptOutSpeaker", {"DomainId": DOMAIN}) is None
    else:
        with pytest.raises(ClientError):
            client._direct.call("OptOutSpeaker", {"DomainId": DOMAIN})


def test_a_connection_that_was_reset_is_not_used_again() -> None:
    ours, theirs = socket.socketpair()
    connection = _Connection(SimpleNamespace(sock=ours, close=ours.close))
    assert connection.is_quiet()
    ours.send(b"unread")
    theirs.close()
    assert not connection.is_quiet()
    connection.close()


def test_connections_are_used_again_and_closed_in_the_end(serve: Serve, connect: Connect) -> None:
    client = connect(serve(lambda _operation, body: speaker(body["SpeakerId"])).url)
    client.opt_out(DOMAIN, "caller-1")
    [first] = client._direct._idle
    client.opt_out(DOMAIN, "caller-2")
    assert [*client._direct._idle] == [first]
    assert first.socket.gettimeout() == client._api.meta.config.read_timeout
    client._direct.close()
    assert not client._direct._idle
    assert first.socket.fileno() == -1
