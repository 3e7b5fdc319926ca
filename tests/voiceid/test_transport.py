import datetime as dt
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.loaders import Loader

from tests.voiceid.fixtures import Connect, Serve
from tests.voiceid.scripted import DOMAIN, Answer, failure, speaker, summary
from voiceid_optout.model import MODEL_ROOT
from voiceid_optout.voiceid import Client, ClientSettings, EndpointUnreachable, UnexpectedAnswer
from voiceid_optout.voiceid.transport import TRANSPORT_TRIES, _is_truncated, connect

COMMON = ("endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json")


@pytest.fixture
def without_voice_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A botocore from which voice-id has been dropped."""
    complete = Path(Loader.BUILTIN_DATA_PATH)
    for name in COMMON:
        (tmp_path / name).symlink_to(complete / name)
    monkeypatch.setattr(Loader, "BUILTIN_DATA_PATH", str(tmp_path))


@pytest.mark.usefixtures("without_voice_id")
def test_it_works_when_botocore_has_dropped_voice_id(serve: Serve, connect: Connect) -> None:
    server = serve(lambda _operation, body: speaker(body["SpeakerId"]))
    assert connect(server.url).opt_out(DOMAIN, "caller-1").customer_speaker_id == "caller-1"


@pytest.mark.usefixtures("without_voice_id")
def test_awss_own_host_is_known_without_botocores_model() -> None:
    client = connect(ClientSettings(None, "eu-west-2"))
    assert client.meta.endpoint_url == "https://voiceid.eu-west-2.amazonaws.com"


def test_our_model_comes_before_botocores() -> None:
    client = connect(ClientSettings("http://127.0.0.1:1", "us-east-1"))
    assert client.meta.service_model.documentation == ""
    assert Path(Loader.BUILTIN_DATA_PATH) != MODEL_ROOT


def test_debug_logs_hold_no_requests(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client: Client = connect(serve(lambda _operation, body: speaker(body["SpeakerId"])).url)
    client.opt_out(DOMAIN, "planted-4711")
    assert "planted" not in caplog.text


def test_times_are_aware_and_as_the_wire_says(serve: Serve, connect: Connect) -> None:
    opted_out = connect(serve(lambda _operation, body: speaker(body["SpeakerId"])).url).opt_out(DOMAIN, "caller-1")
    assert opted_out.created_at == dt.datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=dt.UTC)


def test_a_time_that_is_none_is_an_unexpected_answer(serve: Serve, connect: Connect) -> None:
    answer = {"Speaker": {**summary("caller-1"), "CreatedAt": "planted-4711"}}
    with pytest.raises(UnexpectedAnswer) as raised:
        connect(serve(lambda _operation, _body: Answer(answer)).url).opt_out(DOMAIN, "caller-1")
    assert "planted" not in str(raised.value)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK that does not wait before it repeats a call."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)


@pytest.mark.usefixtures("impatient")
def test_an_answer_cut_anywhere_is_asked_for_again(serve: Serve, connect: Connect) -> None:
    whole = speaker("caller-1")
    cuts = iter([0])

    def script(_operation: str, _body: object) -> Answer:
        return replace(whole, cut=next(cuts, None))

    server = serve(script)
    client = connect(server.url)
    for cut in range(0, 400, 3):
        cuts = iter([cut])
        server.calls.clear()
        assert client.opt_out(DOMAIN, "caller-1").customer_speaker_id == "caller-1"
        if len(server.calls) == 1:  # this cut was beyond the end
            break
        assert server.operations() == ["OptOutSpeaker"] * 2
    assert 200 < cut < 399


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("cut", [5, 30, 160, 300])
def test_an_endpoint_whose_answers_never_end_does_not_answer(serve: Serve, connect: Connect, cut: int) -> None:
    server = serve(lambda _operation, body: replace(speaker(body["SpeakerId"]), cut=cut))
    with pytest.raises(EndpointUnreachable, match=r"does not answer .*start the service"):
        connect(server.url).opt_out(DOMAIN, "planted-4711")
    assert len(server.calls) == TRANSPORT_TRIES


@pytest.mark.usefixtures("impatient")
def test_a_refusal_cut_short_is_asked_for_again(serve: Serve, connect: Connect) -> None:
    refused = failure("ResourceNotFoundException", ResourceType="SPEAKER")
    answers = iter((replace(refused, cut=200), refused))
    server = serve(lambda _operation, _body: next(answers))
    assert connect(server.url).describe(DOMAIN, "caller-1") is None
    assert len(server.calls) == 2


def test_a_body_in_chunks_is_whole() -> None:
    assert not _is_truncated({"headers": {"transfer-encoding": "chunked"}, "body": b""})


@pytest.mark.parametrize(("body", "cut"), [(b'{"Speaker": {}}', False), (b'{"Speaker": {}', True), (b"", True)])
def test_a_body_that_the_connections_end_ends(body: bytes, cut: bool) -> None:
    assert _is_truncated({"headers": {}, "body": body}) is cut
