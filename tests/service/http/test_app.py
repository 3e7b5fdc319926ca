"""The wire: framing, errors of the layer in front of the operations, and what is not offered."""

import json
import logging
import re
import sqlite3
from typing import Any

import pytest

from tests.service.calls import call, send, signed
from tests.service.running import Service
from voiceid_optout.model import load_model
from voiceid_optout.service.db.database import FILE_NAME
from voiceid_optout.service.http.app import MAX_BODY_BYTES
from voiceid_optout.service.operations.catalogue import OFFERED

CORAL = "com.amazon.coral.service#"
MODEL = load_model()


def opt_out(domain: str, speaker: str = "caller-1") -> bytes:
    return json.dumps({"DomainId": domain, "SpeakerId": speaker}).encode()


def test_a_success_is_json_with_a_request_id_and_times_as_numbers(service: Service, domain: str) -> None:
    answer = call(service, "OptOutSpeaker", opt_out(domain))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.headers["x-amzn-requestid"])
    speaker = answer.document["Speaker"]
    assert isinstance(speaker["CreatedAt"], float)
    assert set(speaker) == {
        "CreatedAt",
        "CustomerSpeakerId",
        "DomainId",
        "GeneratedSpeakerId",
        "Status",
        "UpdatedAt",
    }


def test_an_operation_without_output_has_an_empty_body(service: Service, domain: str) -> None:
    call(service, "OptOutSpeaker", opt_out(domain))
    answer = call(service, "DeleteSpeaker", opt_out(domain))
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


def test_an_empty_output_is_an_empty_object(service: Service, domain: str) -> None:
    arn = f"arn:aws:voiceid:us-east-1:000000000000:domain/{domain}"
    answer = call(service, "UntagResource", json.dumps({"ResourceArn": arn, "TagKeys": ["team"]}).encode())
    assert (answer.status, answer.body) == (200, b"{}")


def test_an_operation_without_input_may_leave_out_the_body(service: Service) -> None:
    assert call(service, "ListDomains", b"").status == 200


def test_unknown_members_and_nulls_are_ignored(service: Service, domain: str) -> None:
    body = json.dumps({"DomainId": domain, "MaxResults": None, "Colour": {"a": [1]}}).encode()
    assert call(service, "ListSpeakers", body).status == 200


def test_an_error_names_its_shape_in_full_and_carries_its_members(service: Service) -> None:
    answer = call(service, "OptOutSpeaker", opt_out("A" * 22))
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    assert "x-amzn-errortype" not in answer.headers
    assert answer.document.pop("Message")
    assert answer.code == "com.amazonaws.voiceid#ResourceNotFoundException"
    assert answer.document["ResourceType"] == "DOMAIN"


@pytest.mark.parametrize("target", ["VoiceID.Sing", "voiceid.OptOutSpeaker", "OptOutSpeaker", ""])
def test_an_unknown_target(service: Service, target: str) -> None:
    answer = send(service, signed(service, b"{}", target=target), b"{}")
    assert (answer.status, answer.document) == (400, {"__type": CORAL + "UnknownOperationException", "message": ""})


def test_no_target(service: Service) -> None:
    answer = send(service, signed(service, b"{}", target=None), b"{}")
    assert answer.code == CORAL + "UnknownOperationException"


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("PUT", "/"), ("POST", "/healthz"), ("POST", "/?a=b")])
def test_another_verb_path_or_query(service: Service, method: str, path: str) -> None:
    answer = send(service, signed(service, b"{}"), b"{}", method, path)
    assert (answer.status, answer.code) == (404, CORAL + "UnknownOperationException")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"1",
        b"null",
        b'{"DomainId": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"DomainId": 7, "SpeakerId": "a"}',
        b'{"DomainId": ["a"], "SpeakerId": "a"}',
    ],
    ids=["cut", "list", "text", "number", "null", "NaN", "not UTF-8", "deep", "wrong type", "list member"],
)
def test_what_cannot_be_deserialised(service: Service, body: Any) -> None:
    answer = call(service, "OptOutSpeaker", body)
    assert (answer.status, answer.code) == (400, CORAL + "SerializationException")
    assert answer.document["message"]


def test_a_body_over_the_limit(service: Service) -> None:
    answer = call(service, "OptOutSpeaker", b" " * (MAX_BODY_BYTES + 1))
    assert (answer.status, answer.code) == (413, CORAL + "RequestEntityTooLargeException")


def test_every_operation_of_the_model_is_offered() -> None:
    assert set(OFFERED) == set(MODEL["operations"])


def test_a_database_fault_is_an_internal_error(fresh: Service, caplog: pytest.LogCaptureFixture) -> None:
    domain = fresh.new_domain()
    with sqlite3.connect(fresh.data / FILE_NAME) as database:
        database.execute("ALTER TABLE speakers RENAME TO away")
    database.close()
    with caplog.at_level(logging.ERROR):
        answer = call(fresh, "OptOutSpeaker", opt_out(domain, "caller-secret"))
    assert (answer.status, answer.code) == (500, "com.amazonaws.voiceid#InternalServerException")
    assert "caller-secret" not in caplog.text + answer.body.decode()
    assert "OptOutSpeaker failed: OperationalError" in caplog.text
    with sqlite3.connect(fresh.data / FILE_NAME) as database:
        database.execute("ALTER TABLE away RENAME TO speakers")
    database.close()
    assert call(fresh, "OptOutSpeaker", opt_out(domain)).status == 200
