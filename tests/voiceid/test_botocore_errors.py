import logging
import socket
import ssl
import threading
from contextlib import suppress

import pytest
import trustme
from botocore import exceptions as aws

from tests.tables import each_row
from tests.voiceid.faults import ANSWERS, PLANTED
from tests.voiceid.fixtures import Connect, Serve
from tests.voiceid.scripted import DOMAIN
from voiceid_optout import voiceid
from voiceid_optout.voiceid.botocore_errors import translate


@pytest.mark.parametrize("case", ANSWERS)
def test_every_answer_has_its_error_and_no_identifier(
    case: str, serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer, kind, says = ANSWERS[case]
    client = connect(serve(lambda _operation, _body: answer).url)
    with pytest.raises(voiceid.VoiceIdError) as caught:
        client.opt_out(DOMAIN, PLANTED)
    assert type(caught.value) is kind
    text = str(caught.value)
    assert says in text
    assert "\n" not in text
    assert PLANTED not in text + repr(caught.value) + caplog.text


def test_the_cause_is_kept(serve: Serve, connect: Connect) -> None:
    client = connect(serve(lambda _operation, _body: ANSWERS["denied"][0]).url)
    with pytest.raises(voiceid.AccessDenied) as caught:
        client.opt_out(DOMAIN, PLANTED)
    assert isinstance(caught.value.__cause__, aws.ClientError)


def test_nobody_listens(closed_port: str, connect: Connect) -> None:
    with pytest.raises(voiceid.EndpointUnreachable, match="voiceid-optout:endpoint") as caught:
        connect(closed_port).opt_out(DOMAIN, PLANTED)
    assert closed_port in str(caught.value)


def test_a_private_authority_is_named(connect: Connect) -> None:
    """A real handshake with a certificate that nobody here trusts, and one with a port that speaks no TLS."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    assert "does not speak TLS (SSLError)" in str(handshakes(connect, None))
    error = handshakes(connect, context)
    assert "the certificate of Voice ID at https://127.0.0.1:" in str(error)
    assert "set AWS_CA_BUNDLE to the file" in str(error)


def handshakes(connect: Connect, context: ssl.SSLContext | None) -> voiceid.EndpointUnreachable:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with suppress(OSError):  # the listener closes
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        if context is None:
                            connection.recv(1)
                            connection.sendall(b"HTTP/1.0 400 no TLS here\r\n\r\n")
                        else:
                            context.wrap_socket(connection, server_side=True).close()

        threading.Thread(target=answer, daemon=True).start()
        client = connect(f"https://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(voiceid.EndpointUnreachable) as caught:
            client.opt_out(DOMAIN, PLANTED)
        listener.shutdown(socket.SHUT_RDWR)
    return caught.value


@each_row(
    ("operation", "key"),
    [
        ("DeleteSpeaker", "optout serve keys add --role reconcile --may-release`"),
        ("OptOutSpeaker", "optout serve keys add --role reconcile`"),
        ("DescribeSpeaker", "optout serve keys add --role read`"),
    ],
)
def test_what_a_key_may_not_do_names_the_key_that_may(operation: str, key: str) -> None:
    answer = {"Error": {"Code": "AccessDeniedException"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    error = translate(aws.ClientError(answer, operation), operation=operation, place="there", domain_id=DOMAIN)
    assert isinstance(error, voiceid.AccessDenied)
    assert f"allow voiceid:{operation} to these credentials" in str(error)
    assert key in str(error)


@pytest.mark.parametrize("left", [(), ("AWS_ACCESS_KEY_ID",)])
def test_no_or_half_credentials(
    left: tuple[str, ...], closed_port: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} - set(left):
        monkeypatch.delenv(name)
    with pytest.raises(voiceid.CredentialsMissing, match="AWS_SHARED_CREDENTIALS_FILE"):
        connect(closed_port).opt_out(DOMAIN, PLANTED)


def test_an_unknown_profile(closed_port: str, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(voiceid.CredentialsMissing, match="AWS_PROFILE"):
        connect(closed_port)


def test_what_botocore_refuses_to_send(closed_port: str, connect: Connect) -> None:
    with pytest.raises(voiceid.RequestInvalid, match="not sent") as caught:
        connect(closed_port).opt_out("short", PLANTED)
    assert PLANTED not in str(caught.value)


def test_any_other_error_of_the_sdk_is_named_without_its_text() -> None:
    error = translate(aws.InvalidRegionError(region_name=PLANTED), operation="X", place="here", domain_id=DOMAIN)
    assert str(error) == "X on here failed in the AWS SDK: InvalidRegionError"


@each_row(
    ("headers", "seconds"),
    [
        ({"x-amz-retry-after": "1500"}, 1.5),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "86400"}, 60.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({}, 0.0),
    ],
)
def test_what_a_throttle_asks_for(headers: dict[str, str], seconds: float) -> None:
    meta = {"HTTPStatusCode": 400, "HTTPHeaders": headers}
    answered = aws.ClientError({"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": meta}, "X")
    error = translate(answered, operation="X", place="here", domain_id=DOMAIN)
    assert isinstance(error, voiceid.Throttled)
    assert error.retry_after == seconds


def test_too_many_requests_without_a_known_code() -> None:
    answered = aws.ClientError({"Error": {"Code": "429"}, "ResponseMetadata": {"HTTPStatusCode": 429}}, "X")
    assert isinstance(translate(answered, operation="X", place="p", domain_id="d"), voiceid.Throttled)
