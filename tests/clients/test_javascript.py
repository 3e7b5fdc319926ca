"""The AWS SDK for JavaScript, which validates nothing itself and takes times only as numbers."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.conftest import NODE_FOLDER
from tests.service.running import Service

pytestmark = pytest.mark.clients

Call = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def run(node: str, environment: dict[str, str]) -> Call:
    def calls(*wanted: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        text = "".join(json.dumps({"operation": operation, "input": given}) + "\n" for operation, given in wanted)
        done = subprocess.run(
            [node, "calls.mjs"],
            cwd=NODE_FOLDER,
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=600,
            check=True,
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    return calls


def test_opt_out_describe_list_delete(run: Call, domain: str) -> None:
    person = {"DomainId": domain, "SpeakerId": "caller-1"}
    opted, described, listed, deleted, gone = run(
        ("OptOutSpeaker", person),
        ("DescribeSpeaker", person),
        ("ListSpeakers", {"DomainId": domain}),
        ("DeleteSpeaker", person),
        ("DescribeSpeaker", person),
    )
    speaker = opted["output"]["Speaker"]
    assert speaker["Status"] == "OPTED_OUT"
    assert speaker["CustomerSpeakerId"] == "caller-1"
    assert speaker["CreatedAt"].endswith("Z")  # a Date once more: the number was understood
    assert described["output"]["Speaker"] == speaker
    assert listed["output"]["SpeakerSummaries"] == [speaker]
    assert deleted["status"] == 200
    assert deleted["output"] == {}
    assert all(answer["requestId"] for answer in (opted, described, listed, deleted))
    assert (gone["error"], gone["typed"], gone["resource"]) == ("ResourceNotFoundException", True, "SPEAKER")


def test_errors_are_typed(run: Call, service: Service) -> None:
    away = service.new_domain()
    service.suspend(away)
    conflict, invalid, unknown = run(
        ("OptOutSpeaker", {"DomainId": away, "SpeakerId": "caller-1"}),
        ("OptOutSpeaker", {"DomainId": "bad", "SpeakerId": "#bad!"}),
        ("OptOutSpeaker", {"DomainId": "0" * 22, "SpeakerId": "caller-1"}),
    )
    assert all(answer["typed"] for answer in (conflict, invalid, unknown))
    assert all(answer["status"] == 400 for answer in (conflict, invalid, unknown))
    assert (conflict["error"], conflict["conflict"]) == ("ConflictException", "DOMAIN_NOT_ACTIVE")
    assert conflict["message"] == "The domain is not active."
    assert invalid["error"] == "ValidationException"
    assert invalid["message"].startswith("3 validation errors detected")
    assert "#bad!" not in invalid["message"]
    assert (unknown["error"], unknown["resource"]) == ("ResourceNotFoundException", "DOMAIN")


def test_domains_tags_and_pages(run: Call, domain: str) -> None:
    made, *_ = run(
        ("CreateDomain", {"Name": "sales", "ServerSideEncryptionConfiguration": {"KmsKeyId": "alias/voice"}})
    )
    arn = made["output"]["Domain"]["Arn"]
    _, tags, page = run(
        ("TagResource", {"ResourceArn": arn, "Tags": [{"Key": "team", "Value": "Zürich"}]}),
        ("ListTagsForResource", {"ResourceArn": arn}),
        ("ListDomains", {"MaxResults": 1}),
    )
    assert tags["output"]["Tags"] == [{"Key": "team", "Value": "Zürich"}]
    assert page["output"]["NextToken"]
