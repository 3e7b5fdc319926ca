"""Buckets that fill and empty, and files of rates."""

from pathlib import Path

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.service.auth.keyring import add_key, client_with
from tests.service.calls import call
from tests.service.running import thread
from voiceid_optout.model import load_model
from voiceid_optout.service.auth.quotas import AWS, QuotaError, Quotas, ThrottledError, read_rates
from voiceid_optout.service.settings import AccessSettings


def taken(quotas: Quotas, at: float, operation: str = "OptOutSpeaker", key: str = "A") -> bool:
    try:
        quotas.spend(key, operation, at)
    except ThrottledError:
        return False
    return True


def test_a_second_s_calls_may_come_at_once_and_no_more() -> None:
    quotas = Quotas(AWS)
    assert [taken(quotas, 1000.0) for _ in range(12)] == [True] * 10 + [False] * 2


def test_over_a_minute_the_rate_is_kept() -> None:
    quotas = Quotas(AWS)
    count = sum(taken(quotas, 1000.0 + step / 100) for step in range(6000))
    assert 600 <= count <= 610


def test_the_wait_it_names_is_enough_and_not_more() -> None:
    quotas = Quotas({"OptOutSpeaker": 10})
    now = 1000.0
    for _ in range(10):
        quotas.spend("A", "OptOutSpeaker", now)
    with pytest.raises(ThrottledError) as refusal:
        quotas.spend("A", "OptOutSpeaker", now)
    headers = dict(refusal.value.headers)
    assert headers == {b"x-amz-retry-after": b"100", b"retry-after": b"1"}
    assert not taken(quotas, now + 0.09)
    assert taken(quotas, now + 0.1)


def test_keys_and_operations_have_buckets_of_their_own() -> None:
    quotas = Quotas({"OptOutSpeaker": 1, "DeleteSpeaker": 1})
    assert taken(quotas, 5.0)
    assert not taken(quotas, 5.0)
    assert taken(quotas, 5.0, key="B")
    assert taken(quotas, 5.0, operation="DeleteSpeaker")
    assert all(taken(quotas, 5.0, operation="ListSpeakers") for _ in range(100))


@pytest.mark.parametrize("rate", [0.5, 0.1])
def test_less_than_one_a_second(rate: float) -> None:
    quotas = Quotas({"OptOutSpeaker": rate})
    assert taken(quotas, 5.0)
    assert not taken(quotas, 5.0 + 0.9 / rate)
    assert taken(quotas, 5.0 + 1.0 / rate)


def test_a_refused_call_costs_nothing() -> None:
    quotas = Quotas({"OptOutSpeaker": 1})
    assert taken(quotas, 5.0)
    assert not any(taken(quotas, 5.5) for _ in range(100))
    assert taken(quotas, 6.0)


def test_aws_s_list_names_operations_of_the_model() -> None:
    assert set(AWS) < set(load_model()["operations"])
    assert (AWS["ListSpeakers"], AWS["StartSpeakerEnrollmentJob"]) == (5, 2)
    assert "CreateWatchlist" not in AWS


def test_the_wire(tmp_path: Path) -> None:
    rates = {"ListDomains": 0.02, "OptOutSpeaker": 20}  # so slow that no machine is slower
    with thread(tmp_path, access=AccessSettings(rates=rates)) as service:
        keys = add_key(service, "admin")  # which calls ListDomains until it is taken
        domain = service.new_domain()
        assert call(service, "ListDomains", b"{}").status == 200
        refused = call(service, "ListDomains", b"{}")
        assert refused.status == 400
        assert refused.document == {
            "__type": "com.amazonaws.voiceid#ThrottlingException",
            "Message": "Rate exceeded",
        }
        assert 0 < int(refused.headers["x-amz-retry-after"]) <= 50_000
        assert 0 < int(refused.headers["retry-after"]) <= 50
        once = client_with(service, keys, config=Config(retries={"total_max_attempts": 1}))
        with pytest.raises(ClientError, match="ThrottlingException"):
            once.list_domains()
        patient = service.client(config=Config(retries={"total_max_attempts": 8, "mode": "standard"}))
        for number in range(30):  # boto3 waits as it is told, and loses nothing
            patient.opt_out_speaker(DomainId=domain, SpeakerId=f"patient-{number}")
        throttled = 'voiceid_requests_total{operation="ListDomains",outcome="ThrottlingException"}'
        assert throttled in service.admin("/metrics")[1]


OPERATIONS = ("OptOutSpeaker", "ListSpeakers")


def written(tmp_path: Path, text: bytes) -> Path:
    path = tmp_path / "quotas.toml"
    path.write_bytes(text)
    return path


def test_a_file_of_rates(tmp_path: Path) -> None:
    path = written(tmp_path, b"OptOutSpeaker = 500\nListSpeakers = 0.5\n")
    assert read_rates(path, OPERATIONS) == {"OptOutSpeaker": 500.0, "ListSpeakers": 0.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"OptOut = 5", "no operation OptOut"),
        (b"OptOutSpeaker = 0", "above 0"),
        (b"OptOutSpeaker = -1", "above 0"),
        (b"OptOutSpeaker = inf", "above 0"),
        (b"OptOutSpeaker = nan", "above 0"),
        (b"OptOutSpeaker = true", "above 0"),
        (b"OptOutSpeaker = '5'", "above 0"),
        (b"OptOutSpeaker: 5", "not TOML"),
        (b"\xff", "not TOML"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, text: bytes, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(QuotaError, match=words) as refusal:
        read_rates(path, OPERATIONS)
    assert str(path) in str(refusal.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(QuotaError, match="No such file"):
        read_rates(tmp_path / "none", OPERATIONS)
