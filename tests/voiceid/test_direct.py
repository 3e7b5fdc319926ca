"""Direct calls are the SDK's to the byte, on the connections that its settings ask for."""

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
import trustme
from botocore.awsrequest import AWSResponse
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from tests.voiceid.fixtures import REGION, Connect, Serve
from tests.voiceid.scripted import DOMAIN, Answer, failure, speaker, summary
from voiceid_optout.voiceid import AccessDenied, EndpointUnreachable, UnexpectedAnswer
from voiceid_optout.voiceid.client import _USER_AGENT, TRANSPORT_TRIES, Client, connect
from voiceid_optout.voiceid.direct import CALL_HEADER, DirectCalls, call_number
from voiceid_optout.voiceid.settings import ClientSettings

MEMBERS = {
    "OptOutSpeaker": ("opt_out_speaker", {"SpeakerId"}),
    "DescribeSpeaker": ("describe_speaker", {"SpeakerId"}),
    "DeleteSpeaker": ("delete_speaker", {"SpeakerId"}),
    "ListSpeakers": ("list_speakers", {"MaxResults", "NextToken"}),
    "DescribeDomain": ("describe_domain", set()),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "SpeakerId": st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,255}|id#[a-zA-Z0-9]{22}", fullmatch=True),
    "MaxResults": st.integers(1, 100),
    "NextToken": st.text(st.characters(codec="ascii"), min_size=1, max_size=80),
}
KEYS = st.builds(
    Credentials,
    access_key=st.from_regex("[A-Z0-9]{16,20}", fullmatch=True),
    secret_key=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
    token=st.none() | st.from_regex("[A-Za-z0-9/+=]{1,200}", fullmatch=True),
)
ENDPOINTS = st.sampled_from(
    [
        *("http://127.0.0.1:8099", "http://127.0.0.1:8099/", "http://LOCALHOST:80", "https://voice.example:443"),
        *("https://voice.example", "https://VOICE.example:8443", "http://[::1]:8099", None),
    ]
)


class Sent(Exception):  # noqa: N818 - it carries what would have been sent
    """Stops the SDK before it sends."""


@given(
    operation=st.sampled_from(sorted(MEMBERS)),
    endpoint=ENDPOINTS,
    region=st.sampled_from(["us-east-1", "eu-west-2"]),
    keys=KEYS,
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - as botocore's clock gives it
    call=st.uuids(version=4),
    data=st.data(),
)
def test_the_request_is_the_sdks_to_the_byte(
    operation: str,
    endpoint: str | None,
    region: str,
    keys: Credentials,
    moment: datetime,
    call: Any,
    data: st.DataObject,
) -> None:
    method, names = MEMBERS[operation]
    members = {"DomainId": DOMAIN, **{name: data.draw(VALUES[name]) for name in sorted(names)}}
    api = client_of(endpoint, region)
    api._request_signer._credentials = keys
    sent: list[Any] = []

    def stop(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        raise Sent

    api.meta.events.register_last("before-send.voice-id", stop, unique_id="stop")
    with (
        mock.patch("botocore.auth.get_current_datetime", return_value=moment),
        mock.patch("uuid.uuid4", return_value=call),
        pytest.raises(Sent),
    ):
        getattr(api, method)(**members)
    api.meta.events.unregister("before-send.voice-id", unique_id="stop")
    [theirs] = sent
    direct = DirectCalls(api, user_agent=_USER_AGENT, tries=TRANSPORT_TRIES, known_codes=())
    body, headers = direct.request(
        operation, members, keys.get_frozen_credentials(), str(call), moment.replace(tzinfo=UTC).timestamp()
    )
    assert body == theirs.body
    expected = {name: text(value) for name, value in theirs.headers.items()}
    if expected["amz-sdk-request"] == "attempt=1":  # so older SDKs, which do not say how many may follow
        expected["amz-sdk-request"] = headers["amz-sdk-request"]
    assert list(headers.items()) == list(expected.items())


CLIENTS: dict[tuple[str | None, str], Any] = {}


def client_of(endpoint: str | None, region: str) -> Any:
    """Make one client for each place: it takes longer than all that is tested here."""
    if (endpoint, region) not in CLIENTS:
        CLIENTS[endpoint, region] = connect(ClientSettings(endpoint, region))
    return CLIENTS[endpoint, region]


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that were left to the SDK."""
    left: list[str] = []
    real = DirectCalls.call

    def call(self: DirectCalls, operation: str, members: dict[str, Any]) -> Any:
        answer = real(self, operation, members)
        if answer is None:
            left.append(operation)
        return answer

    monkeypatch.setattr(DirectCalls, "call", call)
    return left


def test_an_ordinary_call_is_not_the_sdks(serve: Serve, connect: Connect, sdk: list[str]) -> None:
    client = connect(serve(lambda _operation, body: speaker(body["SpeakerId"])).url)
    for number in range(3):
        client.opt_out(DOMAIN, f"caller-{number}")
    assert sdk == []


def test_an_empty_answer_is_one(serve: Serve, connect: Connect, sdk: list[str]) -> None:
    assert connect(serve(lambda *_: Answer(b"")).url).delete(DOMAIN, "caller-1")
    assert sdk == []


def test_an_ordinary_refusal_is_not_asked_for_twice(serve: Serve, connect: Connect, sdk: list[str]) -> None:
    server = serve(lambda *_: failure("AccessDeniedException", status=403))
    with pytest.raises(AccessDenied):
        connect(server.url).opt_out(DOMAIN, "caller-1")
    assert (len(server.calls), sdk) == (1, [])


@pytest.mark.parametrize(
    "odd",
    [
        failure("InternalServerException", status=500),
        failure("RequestTimeoutException"),
        replace(speaker("caller-1"), status=301),
        replace(speaker("caller-1"), cut=150),
        Answer(b"<html>"),
        Answer(b"[" * 100_000),
        Answer(b"[]"),
    ],
    ids=lambda answer: f"{answer.status} {str(answer.body)[:20]}",
)
def test_what_is_out_of_the_ordinary_is_left_to_the_sdk(
    serve: Serve, connect: Connect, sdk: list[str], odd: Answer
) -> None:
    answers = iter([odd])
    server = serve(lambda _operation, body: next(answers, None) or speaker(body["SpeakerId"]))
    client = connect(server.url)
    assert client.opt_out(DOMAIN, "caller-1").customer_speaker_id == "caller-1"
    assert sdk == ["OptOutSpeaker"]
    client.opt_out(DOMAIN, "caller-2")
    assert sdk == ["OptOutSpeaker"]  # the next one is ordinary again


def test_ids_that_are_no_texts_are_an_unexpected_answer(serve: Serve, connect: Connect) -> None:
    odd = {**summary("caller-1"), "CustomerSpeakerId": {"planted": 1}}
    with pytest.raises(UnexpectedAnswer):
        list(connect(serve(lambda *_: Answer({"SpeakerSummaries": [odd]})).url).list_pages(DOMAIN))


def test_a_connection_that_the_service_has_closed_is_opened_again(serve: Serve, connect: Connect) -> None:
    closing = {"Connection": "Close"}
    server = serve(lambda _operation, body: replace(speaker(body["SpeakerId"]), headers=closing))
    client = connect(server.url)
    for number in range(3):
        client.opt_out(DOMAIN, f"caller-{number}")
        assert not client._direct._idle
    assert len(server.calls) == 3


def test_an_answer_that_comes_twice_is_no_answer_to_the_next_call(serve: Serve, connect: Connect) -> None:
    server = serve(
        lambda operation, body: replace(
            Answer(b"") if operation == "DeleteSpeaker" else speaker(body["SpeakerId"]), times=2
        )
    )
    client = connect(server.url)
    client.delete(DOMAIN, "caller-0")
    for number in range(3):
        assert client.opt_out(DOMAIN, f"caller-{number}").customer_speaker_id == f"caller-{number}"
        assert client.delete(DOMAIN, f"caller-{number}")
    assert len(server.calls) == 7


def test_a_proxy_is_the_sdks_affair(serve: Serve, sdk: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda _operation, body: speaker(body["SpeakerId"]))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    client = Client(ClientSettings("http://voice.example", REGION))
    assert client.opt_out(DOMAIN, "caller-1").customer_speaker_id == "caller-1"
    assert sdk == ["OptOutSpeaker"]
    client.close()


@contextmanager
def over_tls(server: Any, authority: trustme.CA) -> Iterator[str]:
    """Serve what the scripted server serves under a certificate of an authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), server.handler) as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that does not trust hangs up
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"https://localhost:{http.server_address[1]}"
        http.shutdown()
        thread.join()


def test_certificates_are_checked_as_the_sdk_is_told_to(
    serve: Serve, sdk: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, other = trustme.CA(), trustme.CA()
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with over_tls(serve(lambda _operation, body: speaker(body["SpeakerId"])), authority) as url:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        trusting = Client(ClientSettings(url, REGION))
        assert trusting.opt_out(DOMAIN, "caller-1").customer_speaker_id == "caller-1"
        [first] = trusting._direct._idle
        trusting.opt_out(DOMAIN, "caller-2")
        assert [*trusting._direct._idle] == [first]
        assert sdk == []
        trusting.close()
        other.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        distrusting = Client(ClientSettings(url, REGION))
        with pytest.raises(EndpointUnreachable, match="certificate"):
            distrusting.opt_out(DOMAIN, "caller-1")
        distrusting.close()


def test_credentials_that_change_are_taken_up(serve: Serve, connect: Connect) -> None:
    client = connect(serve(lambda _operation, body: speaker(body["SpeakerId"])).url)
    fresh = iter(["FIRST", "SECOND"])
    client._api._request_signer._credentials = SimpleNamespace(
        get_frozen_credentials=lambda: Credentials(next(fresh), "secret").get_frozen_credentials()
    )
    with requests_of(client) as seen:
        for _ in range(2):
            client.opt_out(DOMAIN, "caller-1")
    assert [headers["Authorization"].split("=")[1].split("/")[0] for headers in seen] == ["FIRST", "SECOND"]


def test_each_call_has_a_number_of_its_own(serve: Serve, connect: Connect) -> None:
    client = connect(serve(lambda _operation, body: speaker(body["SpeakerId"])).url)
    with requests_of(client) as seen:
        for _ in range(2):
            client.opt_out(DOMAIN, "caller-1")
    numbers = [headers[CALL_HEADER] for headers in seen]
    assert len({UUID(number) for number in numbers}) == 2
    assert numbers == [headers["amz-sdk-invocation-id"] for headers in seen]


def test_an_answer_with_the_number_of_another_call_is_left_to_the_sdk(
    serve: Serve, connect: Connect, sdk: list[str]
) -> None:
    late = iter([{CALL_HEADER: call_number()}])
    server = serve(lambda _operation, body: replace(speaker(body["SpeakerId"]), headers=next(late, {})))
    connect(server.url).opt_out(DOMAIN, "caller-1")
    assert (len(server.calls), sdk) == (2, ["OptOutSpeaker"])


def test_an_answer_with_the_number_of_its_call_is_taken(serve: Serve, connect: Connect, sdk: list[str]) -> None:
    sent: list[dict[str, str]] = []

    def numbered(_operation: str, body: dict[str, Any]) -> Answer:
        return replace(speaker(body["SpeakerId"]), headers={CALL_HEADER: sent[-1][CALL_HEADER]})

    client = connect(serve(numbered).url)
    with requests_of(client, sent):
        client.opt_out(DOMAIN, "caller-1")
    assert sdk == []


def test_a_request_names_the_host_that_it_is_signed_for(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _operation, body: speaker(body["SpeakerId"]))
    client = connect(server.url)
    sent: list[bytes] = []
    with mock.patch.object(client._direct, "_exchange", lambda request, _number: sent.append(request)):
        client.opt_out(DOMAIN, "caller-1")
    assert sent[0].split(b"\r\n")[1] == f"Host: {server.url.removeprefix('http://')}".encode()


@contextmanager
def requests_of(client: Client, seen: list[dict[str, str]] | None = None) -> Iterator[list[dict[str, str]]]:
    """Add the headers of every direct call to a list, and give it."""
    seen = [] if seen is None else seen
    real = client._direct.request

    def request(*given: Any) -> Any:
        body, headers = real(*given)
        seen.append(headers)
        return body, headers

    with mock.patch.object(client._direct, "request", request):
        yield seen


def test_processes_that_are_forked_have_calls_of_their_own() -> None:
    """Two calls of one number within a second are one call to the service."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.write(write, call_number().encode())
        os._exit(0)
    ours = call_number()
    os.waitpid(child, 0)
    theirs = os.read(read, 100).decode()
    os.close(read)
    os.close(write)
    assert len(theirs) == len(ours)
    assert theirs != ours
