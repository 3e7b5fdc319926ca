"""Faults ordered on the admin port, as clients meet them."""

import json
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from tests.service.running import Service


def order(service: Service, fault: str, count: int = 1, operation: str = "OptOutSpeaker") -> None:
    status, text = service.admin("/faults", {"Operation": operation, "Fault": fault, "Count": count})
    assert status == 200, text


def opt_out(client: Any, domain: str) -> Any:
    return client.opt_out_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("THROTTLING", "ThrottlingException"),
        ("INTERNAL_SERVER", "InternalServerException"),
        ("ACCESS_DENIED", "AccessDeniedException"),
        ("CONCURRENT_CHANGES", "ConflictException"),
    ],
)
def test_a_fault_strikes_as_often_as_ordered_and_nothing_is_done(fresh: Service, fault: str, code: str) -> None:
    domain = fresh.new_domain()
    client = fresh.client(config=Config(retries={"total_max_attempts": 1}))
    order(fresh, fault, 2)
    client.list_speakers(DomainId=domain)  # of another operation: not meant
    for _ in range(2):
        with pytest.raises(getattr(client.exceptions, code)):
            opt_out(client, domain)
    assert client.list_speakers(DomainId=domain)["SpeakerSummaries"] == []
    assert opt_out(client, domain)["Status"] == "OPTED_OUT"


def test_an_sdk_gets_over_throttling_by_itself(fresh: Service) -> None:
    client = fresh.client(config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    order(fresh, "THROTTLING")
    assert opt_out(client, fresh.new_domain())["Status"] == "OPTED_OUT"


def test_a_lost_reply_has_done_its_work(fresh: Service) -> None:
    domain = fresh.new_domain()
    client = fresh.client(config=Config(retries={"total_max_attempts": 1}))
    order(fresh, "LOST_REPLY")
    with pytest.raises((HTTPClientError, ConnectionClosedError)):
        opt_out(client, domain)
    assert client.describe_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]["Status"] == "OPTED_OUT"
    status, text = fresh.admin("/metrics")
    assert (status, 'operation="OptOutSpeaker",outcome="lost"} 1' in text) == (200, True)


def test_an_sdk_gets_over_a_lost_reply_by_itself(fresh: Service) -> None:
    client = fresh.client(config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    order(fresh, "LOST_REPLY")
    assert opt_out(client, fresh.new_domain())["Status"] == "OPTED_OUT"


def test_an_order_can_be_taken_back(fresh: Service) -> None:
    order(fresh, "INTERNAL_SERVER", 5)
    order(fresh, "INTERNAL_SERVER", 0)
    try:
        opt_out(fresh.client(), fresh.new_domain())
    except ClientError as error:  # pragma: no cover  the failure of this test
        pytest.fail(str(error))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"Operation": "OptOut", "Fault": "THROTTLING"}, "name of one of the API's operations"),
        ({"Operation": "OptOutSpeaker", "Fault": "FIRE"}, "enum value set"),
        ({"Operation": "OptOutSpeaker", "Fault": "THROTTLING", "Count": 1001}, "less than or equal to 1000"),
    ],
)
def test_a_wrong_order_is_refused(service: Service, body: Any, words: str) -> None:
    status, text = service.admin("/faults", body)
    assert status == 400
    assert words in json.loads(text)["message"]
