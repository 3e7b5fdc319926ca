from pathlib import Path

import boto3
import pytest

from benchmarks.endpoint import Window, service
from benchmarks.people import DOMAIN


def test_window_lasts_from_the_first_call_to_the_last() -> None:
    window = Window()
    for now, count in ((0.0, 5), (1.0, 5), (2.0, 8), (3.0, 8), (4.0, 15), (5.0, 15)):
        window.see(now, count)
    assert window.told() == {"writes": 10, "write_seconds": 3.0}


def test_window_without_calls_tells_nothing() -> None:
    window = Window()
    window.see(0.0, 5)
    window.see(1.0, 5)
    assert window.told() == {}


def test_calls_shorter_than_a_look_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(tmp_path / "service") as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        client = boto3.Session().client("voice-id")
        with endpoint.watching("OptOutSpeaker") as window:
            client.opt_out_speaker(DomainId=DOMAIN, SpeakerId="caller-000001")
        client.close()
        assert window.told()["writes"] == 1
        endpoint.enrol(["caller-000001"])
        assert endpoint.processor_seconds() > 0
