"""The AWS CLI, with a botocore of its own."""

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.service.running import Service

pytestmark = pytest.mark.clients

FAILED = 255

Aws = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def aws(aws_cli: str, environment: dict[str, str]) -> Aws:
    def run(operation: str, *options: str) -> "subprocess.CompletedProcess[str]":
        command = [aws_cli, "-m", "awscli", "voice-id", operation, *options, "--output", "json"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)

    return run


def test_opt_out_describe_list_delete(aws: Aws, domain: str) -> None:
    person = ("--domain-id", domain, "--speaker-id", "caller-1")
    opted = aws("opt-out-speaker", *person)
    assert opted.returncode == 0, opted.stderr
    speaker = json.loads(opted.stdout)["Speaker"]
    assert speaker["Status"] == "OPTED_OUT"
    assert json.loads(aws("describe-speaker", *person).stdout)["Speaker"] == speaker
    aws("opt-out-speaker", "--domain-id", domain, "--speaker-id", "caller-2")
    listed = aws("list-speakers", "--domain-id", domain, "--page-size", "1")
    assert [entry["CustomerSpeakerId"] for entry in json.loads(listed.stdout)["SpeakerSummaries"]] == [
        "caller-1",
        "caller-2",
    ]
    deleted = aws("delete-speaker", *person)
    assert (deleted.returncode, deleted.stdout) == (0, "")
    gone = aws("describe-speaker", *person)
    assert gone.returncode == FAILED
    assert "(ResourceNotFoundException) when calling the DescribeSpeaker operation" in gone.stderr


def test_errors_are_named(aws: Aws, service: Service) -> None:
    away = service.new_domain()
    service.suspend(away)
    conflict = aws("opt-out-speaker", "--domain-id", away, "--speaker-id", "caller-1")
    assert conflict.returncode == FAILED
    assert "(ConflictException)" in conflict.stderr
    assert "The domain is not active." in conflict.stderr
    invalid = aws("opt-out-speaker", "--domain-id", "a" * 40, "--speaker-id", "#bad!")
    assert "(ValidationException)" in invalid.stderr
    assert "#bad!" not in invalid.stderr
