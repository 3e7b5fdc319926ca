import datetime as dt
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader, create_loader

from tests.tables import each_row
from tests.voiceid.fixtures import REGION, Connect, ManualClock, Serve
from tests.voiceid.live import Live
from tests.voiceid.scripted import DOMAIN, GENERATED, Answer, failure, speaker, summary
from voiceid_optout.model import MODEL_ROOT
from voiceid_optout.speakers import SpeakerStatus
from voiceid_optout.voiceid import (
    CredentialsRejected,
    DomainNotActive,
    EndpointUnreachable,
    ServiceFault,
    Speaker,
    Throttled,
    UnexpectedAnswer,
    UnknownDomain,
    UnknownSpeaker,
)
from voiceid_optout.voiceid.client import TRANSPORT_TRIES, Client, _is_truncated, connect
from voiceid_optout.voiceid.direct import CALL_HEADER
from voiceid_optout.voiceid.pacing import CONFLICT_TRIES, THROTTLE_TRIES
from voiceid_optout.voiceid.settings import ClientSettings, Quotas

RACING = failure("ConflictException", ConflictType="CONCURRENT_CHANGES")
THROTTLED = failure("ThrottlingException")


def first(times: int, answer: Answer) -> Callable[[str, dict[str, Any]], Answer]:
    """Give an answer so many times, then a speaker."""
    left = [answer] * times
    return lambda _operation, body: left.pop() if left else speaker(body["SpeakerId"])


def test_opting_out_somebody_new(client: Client, domain: str) -> None:
    found = client.opt_out(domain, "caller-1")
    assert isinstance(found, Speaker)
    assert (found.domain_id, found.customer_speaker_id, found.status) == (
        domain,
        "caller-1",
        SpeakerStatus.OPTED_OUT,
    )
    assert client.opt_out(domain, "caller-1") == found


def test_describe_by_either_id(client: Client, domain: str) -> None:
    written = client.opt_out(domain, "caller-1")
    assert client.describe(domain, "caller-1") == written
    assert client.describe(domain, written.generated_speaker_id) == written


def test_absence_is_no_error(client: Client, domain: str) -> None:
    assert client.describe(domain, "nobody") is None
    assert not client.delete(domain, "nobody")


def test_the_same_call_twice_within_a_second_is_two_calls(
    client: Client, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Signed with one date, so that the call's own number alone tells them apart.
    moment = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: moment)
    for _ in range(2):
        client.opt_out(domain, "caller-1")
        assert client.delete(domain, "caller-1")
        assert client.describe(domain, "caller-1") is None


def test_delete(client: Client, domain: str) -> None:
    client.opt_out(domain, "caller-1")
    assert client.delete(domain, "caller-1")
    assert client.describe(domain, "caller-1") is None


def test_opting_out_a_generated_id_that_is_unknown(client: Client, domain: str) -> None:
    with pytest.raises(UnknownSpeaker):
        client.opt_out(domain, GENERATED)


def test_list_pages_through_a_domain(client: Client, domain: str) -> None:
    people = {f"caller-{number:03}" for number in range(101)}
    for person in people:
        client.opt_out(domain, person)
    pages = list(client.list_pages(domain))
    assert [len(page) for page in pages] == [100, 1]
    assert {one.customer_speaker_id for page in client.list_pages(domain) for one in page} == people


def test_describe_domain(client: Client, domain: str) -> None:
    found = client.describe_domain(domain)
    assert (found.domain_id, found.status) == (domain, "ACTIVE")


def test_unknown_domain(client: Client, live: Live) -> None:
    with pytest.raises(UnknownDomain, match=DOMAIN):
        client.opt_out(DOMAIN, "caller-1")
    with pytest.raises(UnknownDomain):
        client.describe(DOMAIN, "caller-1")


def test_suspended_domain_can_be_read_but_not_written(client: Client, live: Live, domain: str) -> None:
    client.opt_out(domain, "caller-1")
    live.suspend(domain)
    with pytest.raises(DomainNotActive):
        client.opt_out(domain, "caller-2")
    assert client.describe(domain, "caller-1") is not None
    assert client.describe_domain(domain).status == "SUSPENDED"


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials(live: Live, domain: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert live.running.credentials_file is not None
    lines = live.running.credentials_file.read_text().splitlines()
    right = dict(line.split(" = ", 1) for line in lines if " = " in line)
    for key, value in right.items():
        monkeypatch.setenv(key.upper(), value)
    monkeypatch.setenv(name, "AKIAWRONGWRONGWRONG0")
    wrong = Client(ClientSettings(live.running.url, REGION))
    with pytest.raises(CredentialsRejected, match="secret"):
        wrong.opt_out(domain, "caller-1")
    wrong.close()


def test_concurrent_changes_are_tried_again(serve: Serve, connect: Connect, clock: ManualClock) -> None:
    server = serve(first(3, RACING))
    assert connect(server.url).opt_out(DOMAIN, "caller-1").status is SpeakerStatus.OPTED_OUT
    assert server.operations() == ["OptOutSpeaker"] * 4
    assert clock.now() > 1000


def test_concurrent_changes_without_end(serve: Serve, connect: Connect) -> None:
    server = serve(lambda *_: RACING)
    with pytest.raises(Exception, match="who else writes"):
        connect(server.url).opt_out(DOMAIN, "caller-1")
    assert len(server.calls) == CONFLICT_TRIES


def test_throttles_slow_down_and_succeed(serve: Serve, connect: Connect, clock: ManualClock) -> None:
    server = serve(first(2, THROTTLED))
    connect(server.url, Quotas(opt_out=1)).opt_out(DOMAIN, "caller-1")
    assert len(server.calls) == 3
    assert clock.now() >= 1004  # at half the rate, then at a quarter


def test_throttles_are_not_repeated_by_the_sdk(serve: Serve, connect: Connect) -> None:
    server = serve(lambda *_: THROTTLED)
    with pytest.raises(Throttled):
        connect(server.url).opt_out(DOMAIN, "caller-1")
    assert len(server.calls) == THROTTLE_TRIES


def test_retry_after_is_kept(serve: Serve, connect: Connect, clock: ManualClock) -> None:
    server = serve(first(1, failure("ThrottlingException", headers={"x-amz-retry-after": "9000"})))
    connect(server.url).opt_out(DOMAIN, "caller-1")
    assert clock.now() == 1009


def test_a_long_wait_is_said(serve: Serve, connect: Connect) -> None:
    said: list[tuple[str, float]] = []
    server = serve(first(1, failure("ThrottlingException", headers={"retry-after": "9"})))
    connect(server.url, on_wait=lambda *what: said.append(what)).opt_out(DOMAIN, "caller-1")
    assert said == [("OptOutSpeaker", 9.0)]


def test_server_faults_are_repeated_by_the_sdk(serve: Serve, connect: Connect) -> None:
    server = serve(first(2, failure("InternalServerException", status=500)))
    connect(server.url).opt_out(DOMAIN, "caller-1")
    assert len(server.calls) == 3


def test_calls_keep_to_the_quota(serve: Serve, connect: Connect, clock: ManualClock) -> None:
    client = connect(serve(first(0, THROTTLED)).url, Quotas(opt_out=10))
    for number in range(40):
        client.opt_out(DOMAIN, f"caller-{number}")
    assert 1003 <= clock.now() <= 1004.2


def test_a_page_with_a_speaker_of_unknown_name(serve: Serve, connect: Connect) -> None:
    server = serve(lambda *_: Answer({"SpeakerSummaries": [summary(None)]}))
    [[found]] = connect(server.url).list_pages(DOMAIN)
    assert found.names() == (GENERATED,)


@pytest.mark.parametrize("last", [{}, {"NextToken": ""}, {"NextToken": None}])
def test_a_page_without_a_token_is_the_last(serve: Serve, connect: Connect, last: dict[str, str | None]) -> None:
    """An empty token asked for again would give the first page, and so on without end."""
    asked: list[object] = []

    def answer(_operation: str, body: dict[str, Any]) -> Answer:
        asked.append(body.get("NextToken"))
        more = {"NextToken": "more"} if len(asked) == 1 else last
        assert len(asked) < 4
        return Answer({"SpeakerSummaries": [summary(f"caller-{len(asked)}")], **more})

    pages = list(connect(serve(answer).url).list_pages(DOMAIN))
    assert [len(page) for page in pages] == [1, 1]
    assert asked == [None, "more"]


COMMON = ("endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json")


@pytest.fixture
def without_voice_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A botocore from which voice-id has been dropped."""
    monkeypatch.setattr(botocore.session, "create_loader", create_loader)  # not the loader that the tests share
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


def test_our_model_comes_before_botocores(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not the loader that the tests share: it may have botocore's model from a client that is not ours.
    monkeypatch.setattr(botocore.session, "create_loader", create_loader)
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
    assert len(server.calls) == 1 + TRANSPORT_TRIES  # the first on a connection of our own, then the SDK's


@pytest.mark.usefixtures("impatient")
def test_a_refusal_cut_short_is_asked_for_again(serve: Serve, connect: Connect) -> None:
    refused = failure("ResourceNotFoundException", ResourceType="SPEAKER")
    answers = iter((replace(refused, cut=200), refused))
    server = serve(lambda _operation, _body: next(answers))
    assert connect(server.url).describe(DOMAIN, "caller-1") is None
    assert len(server.calls) == 2


def test_a_body_in_chunks_is_whole() -> None:
    assert not _is_truncated({"headers": {"transfer-encoding": "chunked"}, "body": b""})


@each_row(("body", "cut"), [(b'{"Speaker": {}}', False), (b'{"Speaker": {}', True), (b"", True)])
def test_a_body_that_the_connections_end_ends(body: bytes, cut: bool) -> None:
    assert _is_truncated({"headers": {}, "body": body}) is cut


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("odd", "times"),  # a second one is the first of the SDK's
    [
        pytest.param(Answer(b'{"Speaker": {"Cust'), 2, id="a length that is too short"),
        pytest.param(speaker("caller-2"), 1, id="about another person"),
        pytest.param(Answer(b""), 1, id="empty"),
        pytest.param(replace(speaker("caller-1"), headers={CALL_HEADER: "0"}), 2, id="to another call"),
    ],
)
def test_an_answer_to_something_else_is_asked_for_again(
    serve: Serve, connect: Connect, odd: Answer, times: int
) -> None:
    answers = iter([speaker("caller-0"), *[odd] * times])
    server = serve(lambda _operation, body: next(answers, None) or speaker(body["SpeakerId"]))
    client = connect(server.url)
    client.opt_out(DOMAIN, "caller-0")
    assert client.opt_out(DOMAIN, "caller-1").customer_speaker_id == "caller-1"


@pytest.mark.usefixtures("impatient")
def test_a_service_that_speaks_of_others_is_refused(serve: Serve, connect: Connect) -> None:
    client = connect(serve(lambda *_: speaker("planted-1")).url)
    with pytest.raises(UnexpectedAnswer, match="answers OptOutSpeaker with what was not asked") as caught:
        client.opt_out(DOMAIN, "planted-2")
    assert "planted" not in str(caught.value)


def test_the_number_of_the_call_comes_back(live: Live, domain: str) -> None:
    """The service says it; an answer with another number would not be believed."""
    api = connect(ClientSettings(live.running.url, REGION))
    answers: list[dict[str, Any]] = []
    sent: list[bytes] = []
    api.meta.events.register("response-received.voice-id", lambda response_dict, **_: answers.append(response_dict))
    api.meta.events.register("before-send.voice-id", lambda request, **_: sent.append(request.headers[CALL_HEADER]))
    api.opt_out_speaker(DomainId=domain, SpeakerId="caller-1")
    assert [answer["headers"][CALL_HEADER] for answer in answers] == [number.decode() for number in sent]


@pytest.mark.parametrize("times", [1, 2])
def test_a_clock_that_is_wrong_for_a_moment(serve: Serve, connect: Connect, times: int) -> None:
    """Behind one address may be several machines of the service, each with a clock."""
    answers = iter([failure("InvalidSignatureException")] * times)
    server = serve(lambda _operation, body: next(answers, None) or speaker(body["SpeakerId"]))
    assert connect(server.url).opt_out(DOMAIN, "caller-1").customer_speaker_id == "caller-1"
    assert len(server.calls) == 1 + times


@pytest.mark.usefixtures("impatient")
def test_an_endpoint_that_has_answered_is_given_more_time(serve: Serve, connect: Connect) -> None:
    faults: Iterator[Answer] = iter([])
    server = serve(lambda _operation, body: next(faults, None) or speaker(body["SpeakerId"]))
    client = connect(server.url)
    faults = iter([failure("InternalServerException", status=500)] * (1 + TRANSPORT_TRIES))
    with pytest.raises(ServiceFault):
        client.opt_out(DOMAIN, "caller-1")
    client.opt_out(DOMAIN, "caller-1")
    faults = iter([failure("InternalServerException", status=500)] * (1 + TRANSPORT_TRIES))
    assert client.opt_out(DOMAIN, "caller-1").customer_speaker_id == "caller-1"
