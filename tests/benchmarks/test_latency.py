import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from benchmarks.cells import Quotas
from benchmarks.endpoint import service
from benchmarks.people import DOMAIN


def test_calls_take_longer_and_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(tmp_path / "service", Quotas.AWS, 300) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        client = boto3.Session().client("voice-id", config=Config(retries={"total_max_attempts": 1}))
        started = time.perf_counter()
        client.opt_out_speaker(DomainId=DOMAIN, SpeakerId="caller-000001")
        assert time.perf_counter() - started >= 0.3
        with pytest.raises(ClientError):
            client.describe_speaker(DomainId=DOMAIN, SpeakerId="caller-000002")
        client.close()
        assert endpoint.counts() == ({"DescribeSpeaker": 1, "OptOutSpeaker": 1}, {})
        endpoint.enrol(["caller-000001"])
        assert endpoint.processor_seconds() > 0
