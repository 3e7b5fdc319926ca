import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from tests.voiceid.fixtures import REGION, Connect, ManualClock, Serve
from tests.voiceid.live import Live
from tests.voiceid.scripted import DOMAIN, GENERATED, Answer, failure, speaker, summary
from voiceid_optout.voiceid import (
    Client,
    ClientSettings,
    CredentialsRejected,
    DomainNotActive,
    Quotas,
    Speaker,
    SpeakerStatus,
    Throttled,
    UnknownDomain,
    UnknownSpeaker,
)
from voiceid_optout.voiceid.pacing import CONFLICT_TRIES, THROTTLE_TRIES

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
    assert {found.customer_speaker_id for found in client.list_speakers(domain)} == people


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
    [found] = connect(server.url).list_speakers(DOMAIN)
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
