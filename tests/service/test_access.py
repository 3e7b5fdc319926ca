"""Every way of being refused, asked by boto3 and by raw HTTP; and that no refusal changes anything."""

import datetime as dt
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.service.auth.keyring import Keys, add_key, client_with, manage, until
from tests.service.calls import Answer, call, send, signed, stamp
from tests.service.http.test_app import opt_out
from tests.service.running import Service, thread

NOBODY = ("OPTONOBODYNOBODYNO", "x" * 40)
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with thread(tmp_path_factory.mktemp("guarded")) as running:
        yield running


@pytest.fixture(scope="module")
def reader(guarded: Service) -> Keys:
    return add_key(guarded, "read")


@pytest.fixture(scope="module")
def revoked(guarded: Service) -> Keys:
    keys = add_key(guarded, "admin")
    manage(guarded, "revoke", keys[0])
    until(lambda: raw(guarded, keys) == "UnrecognizedClientException")
    return keys


@pytest.fixture
def person(guarded: Service) -> tuple[str, str]:
    domain = guarded.new_domain()
    guarded.seed(domain, "caller-1", "ENROLLED")
    return domain, "caller-1"


def raw(service: Service, keys: Keys, target: str = "VoiceID.ListDomains", body: bytes = b"{}") -> str:
    answer = send(service, signed(service, body, keys=keys, target=target), body)
    return answer.code.partition("#")[2] if answer.status != 200 else ""


def code_of(run: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refusal:
        run()
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refusal.value.response["ResponseMetadata"]["RequestId"]
    return str(refusal.value.response["Error"]["Code"])


@pytest.fixture
def unchanged(guarded: Service, person: tuple[str, str]) -> Iterator[None]:
    yield
    found = guarded.client().describe_speaker(DomainId=person[0], SpeakerId=person[1])["Speaker"]
    assert found["Status"] == "ENROLLED"


@pytest.mark.usefixtures("unchanged")
class TestRefusals:
    def test_unsigned(self, guarded: Service, person: tuple[str, str]) -> None:
        client = guarded.client(config=ONCE.merge(Config(signature_version=UNSIGNED)))
        code = code_of(lambda: client.opt_out_speaker(DomainId=person[0], SpeakerId=person[1]))
        assert code == "MissingAuthenticationTokenException"
        headers = {"X-Amz-Target": "VoiceID.OptOutSpeaker"}
        assert send(guarded, headers, opt_out(*person)).code.endswith("#MissingAuthenticationTokenException")

    def test_wrongly_signed(self, guarded: Service, person: tuple[str, str]) -> None:
        wrong = (guarded.keys()[0], "another secret")
        client = client_with(guarded, wrong)
        code = code_of(lambda: client.opt_out_speaker(DomainId=person[0], SpeakerId=person[1]))
        assert code == "InvalidSignatureException"
        assert raw(guarded, wrong, "VoiceID.OptOutSpeaker", opt_out(*person)) == "InvalidSignatureException"

    def test_unknown(self, guarded: Service, person: tuple[str, str]) -> None:
        client = client_with(guarded, NOBODY)
        code = code_of(lambda: client.opt_out_speaker(DomainId=person[0], SpeakerId=person[1]))
        assert code == "UnrecognizedClientException"
        assert raw(guarded, NOBODY, "VoiceID.OptOutSpeaker", opt_out(*person)) == "UnrecognizedClientException"

    def test_revoked(self, guarded: Service, revoked: Keys, person: tuple[str, str]) -> None:
        client = client_with(guarded, revoked)
        code = code_of(lambda: client.opt_out_speaker(DomainId=person[0], SpeakerId=person[1]))
        assert code == "UnrecognizedClientException"
        assert raw(guarded, revoked, "VoiceID.OptOutSpeaker", opt_out(*person)) == "UnrecognizedClientException"

    def test_wrong_role(self, guarded: Service, reader: Keys, person: tuple[str, str]) -> None:
        client = client_with(guarded, reader)
        code = code_of(lambda: client.opt_out_speaker(DomainId=person[0], SpeakerId=person[1]))
        assert code == "AccessDeniedException"
        body = opt_out(*person)
        answer = send(guarded, signed(guarded, body, keys=reader), body)
        assert answer.code == "com.amazonaws.voiceid#AccessDeniedException"
        assert "the role 'read'" in answer.document["Message"]
        assert "OptOutSpeaker" in answer.document["Message"]
        assert person[1] not in answer.document["Message"]

    @pytest.mark.parametrize("minutes", [-16, 16])
    def test_clock_skew(
        self, guarded: Service, person: tuple[str, str], minutes: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wrong = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
        body, client = opt_out(*person), guarded.client()
        with monkeypatch.context() as clock:
            clock.setattr("botocore.auth.get_current_datetime", lambda **_: wrong.replace(tzinfo=None))
            headers = signed(guarded, body)
            with pytest.raises(ClientError) as refusal:
                client.opt_out_speaker(DomainId=person[0], SpeakerId=person[1])
        error = refusal.value.response["Error"]
        assert error["Code"] == "InvalidSignatureException"
        served = re.search(r"the service's clock says (\d{8}T\d{6}Z)", error["Message"])
        assert served is not None
        told = dt.datetime.strptime(served[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
        assert abs((told - dt.datetime.now(dt.UTC)).total_seconds()) < 5
        assert headers["X-Amz-Date"] == stamp(wrong)
        assert send(guarded, headers, body).code.endswith("#InvalidSignatureException")


@pytest.mark.parametrize(
    ("role", "options", "may"),
    [
        ("read", (), (False, False, False)),
        ("reconcile", (), (True, False, False)),
        ("reconcile", ("--may-release",), (True, True, False)),
        ("admin", (), (True, True, True)),
    ],
)
def test_what_a_role_may_do(guarded: Service, role: str, options: Any, may: Any) -> None:
    domain = guarded.new_domain()
    client = client_with(guarded, add_key(guarded, role, *options))
    client.describe_domain(DomainId=domain)
    client.list_speakers(DomainId=domain)

    def works(run: Callable[..., Any], **arguments: Any) -> bool:
        try:
            run(DomainId=domain, **arguments)
        except client.exceptions.AccessDeniedException:
            return False
        except client.exceptions.ResourceNotFoundException:
            pass
        return True

    person = {"SpeakerId": "caller-1"}
    assert (
        works(client.opt_out_speaker, **person),
        works(client.delete_speaker, **person),
        works(client.delete_domain),
    ) == may


def test_a_release_without_the_right_says_how_to_get_it(guarded: Service) -> None:
    domain = guarded.new_domain()
    client = client_with(guarded, add_key(guarded, "reconcile"))
    with pytest.raises(client.exceptions.AccessDeniedException, match="--may-release"):
        client.delete_speaker(DomainId=domain, SpeakerId="caller-1")


class TestReplay:
    """A request sent again as it was has no second effect, and the answer of the first."""

    @pytest.fixture
    def sent(self, guarded: Service, person: tuple[str, str]) -> Callable[[str], Answer]:
        requests: dict[str, tuple[dict[str, str], bytes]] = {}

        def send_again(operation: str) -> Answer:
            if operation not in requests:
                body = opt_out(*person)
                requests[operation] = signed(guarded, body, target=f"VoiceID.{operation}"), body
            return send(guarded, *requests[operation])

        return send_again

    @pytest.mark.parametrize("operation", ["OptOutSpeaker", "DeleteSpeaker"])
    def test_at_once_it_is_answered_the_same(self, sent: Callable[[str], Answer], operation: str) -> None:
        first, again = sent(operation), sent(operation)
        assert first.status == 200
        assert (again.status, again.body) == (200, first.body)

    def test_a_delete_cannot_undo_a_newer_opt_out(
        self, guarded: Service, person: tuple[str, str], sent: Callable[[str], Answer]
    ) -> None:
        assert sent("DeleteSpeaker").status == 200
        client = guarded.client()
        client.opt_out_speaker(DomainId=person[0], SpeakerId=person[1])
        again = sent("DeleteSpeaker")
        assert (again.status, again.body) == (200, b"")
        found = client.describe_speaker(DomainId=person[0], SpeakerId=person[1])["Speaker"]
        assert found["Status"] == "OPTED_OUT"

    def test_an_opt_out_cannot_undo_a_release(
        self, guarded: Service, person: tuple[str, str], sent: Callable[[str], Answer]
    ) -> None:
        assert sent("OptOutSpeaker").status == 200
        guarded.client().delete_speaker(DomainId=person[0], SpeakerId=person[1])
        # Not 200, which would be untrue: the person is not opted out.
        assert sent("OptOutSpeaker").document["ConflictType"] == "CONCURRENT_CHANGES"
        with pytest.raises(ClientError, match="ResourceNotFound"):
            guarded.client().describe_speaker(DomainId=person[0], SpeakerId=person[1])

    def test_a_read_may_be_repeated(self, sent: Callable[[str], Answer]) -> None:
        assert [sent("DescribeSpeaker").status for _ in range(3)] == [200] * 3

    def test_a_reply_that_was_lost_is_had_by_sending_the_same_again(
        self, guarded: Service, person: tuple[str, str], sent: Callable[[str], Answer]
    ) -> None:
        guarded.admin("/faults", {"Operation": "DeleteSpeaker", "Fault": "LOST_REPLY", "Count": 1})
        with pytest.raises(ConnectionError):
            sent("DeleteSpeaker")
        assert sent("DeleteSpeaker").status == 200
        assert guarded.client().list_speakers(DomainId=person[0])["SpeakerSummaries"] == []

    def test_a_clock_that_goes_back_makes_no_delete_good_again(
        self, guarded: Service, person: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body, client = opt_out(*person), guarded.client()
        old = dt.datetime.now(dt.UTC) - dt.timedelta(hours=5)
        with monkeypatch.context() as clock:
            clock.setattr("botocore.auth.get_current_datetime", lambda **_: old.replace(tzinfo=None))
            headers = signed(guarded, body, target="VoiceID.DeleteSpeaker")
        clock_of_service = "voiceid_optout.service.http.app.time"
        with monkeypatch.context() as clock:
            clock.setattr(clock_of_service, _Clock(old.timestamp()))
            assert send(guarded, headers, body).status == 200
        client.opt_out_speaker(DomainId=person[0], SpeakerId=person[1])
        call(guarded, "DeleteSpeaker", opt_out(person[0], "somebody else"))  # with it the old ones are forgotten
        with monkeypatch.context() as clock:
            clock.setattr(clock_of_service, _Clock(old.timestamp()))
            again = send(guarded, headers, body)
        assert again.code.endswith("#InvalidSignatureException")
        assert "see to the clocks" in again.document["message"]
        assert client.describe_speaker(DomainId=person[0], SpeakerId=person[1])["Speaker"]["Status"] == "OPTED_OUT"


class _Clock:
    """Python's clocks, of which one shows the time of another day."""

    perf_counter = staticmethod(time.perf_counter)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def time(self) -> float:
        return self._seconds


def test_a_delete_from_before_a_restart_is_known_after_it(tmp_path: Path) -> None:
    with thread(tmp_path) as service:
        domain, port = service.new_domain(), int(service.url.rpartition(":")[2])
        service.seed(domain, "caller-1", "ENROLLED")
        body = opt_out(domain)
        headers = signed(service, body, target="VoiceID.DeleteSpeaker")
        assert send(service, headers, body).status == 200
    with thread(tmp_path, port=port) as service:
        call(service, "OptOutSpeaker", body)
        assert send(service, headers, body).status == 200
        found = service.client().describe_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]
        assert found["Status"] == "OPTED_OUT"
