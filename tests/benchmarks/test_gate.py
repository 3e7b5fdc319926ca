from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks.cells import Quotas
from benchmarks.endpoint import service
from benchmarks.gate import TokenBucket
from benchmarks.people import DOMAIN


def test_bucket_grants_a_second_at_once_and_then_the_rate() -> None:
    bucket = TokenBucket(5)
    assert [bucket.take(100.0) for _ in range(6)] == [True] * 5 + [False]
    assert not bucket.take(100.1)
    assert bucket.take(100.21)
    assert not bucket.take(100.22)
    assert sum(bucket.take(200.0) for _ in range(20)) == 5


def call_until_refused(call: Callable[[], None]) -> None:
    """Call up to a hundred times: a busy machine gives tokens back meanwhile."""
    for _ in range(100):
        call()


def test_calls_beyond_the_quota_are_refused_as_aws_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(tmp_path / "service", Quotas.AWS) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        client = boto3.client("voice-id", config=Config(retries={"total_max_attempts": 1}))

        def call() -> None:
            client.opt_out_speaker(DomainId=DOMAIN, SpeakerId="caller-000001")

        for _ in range(10):
            call()
        with pytest.raises(ClientError, match="ThrottlingException"):
            call_until_refused(call)
        client.close()
        calls, throttled = endpoint.counts()
        assert calls["OptOutSpeaker"] > 10
        assert throttled == {"OptOutSpeaker": 1}
