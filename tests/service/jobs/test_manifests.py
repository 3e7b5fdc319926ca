"""Manifests: what is read, what is refused as a whole or by the line, and what is written."""

import json
from typing import Any

import pytest

from tests.service.batch import AUDIO, enrolment, enrolments, registration, registrations
from tests.tables import each_row
from voiceid_optout.service.jobs.manifests import Entry, ManifestError, Outcome, output, parse
from voiceid_optout.service.operations.jobs import JobKind

SECRET = "caller-secret-17"


def read(content: bytes, kind: JobKind = JobKind.ENROLLMENT, limit: int = 10) -> list[Entry]:
    return parse(content, kind, limit)


def test_requests_come_in_their_order() -> None:
    entries = read(enrolments([enrolment("r1", "caller-1"), enrolment("r2", "caller_2")]))
    assert entries == [Entry("r1", "caller-1"), Entry("r2", "caller_2")]


def test_a_registration_names_nobody() -> None:
    assert read(registrations([registration("r1")]), JobKind.REGISTRATION) == [Entry("r1")]


def test_a_byte_order_mark_and_unknown_members_do_no_harm() -> None:
    content = enrolments([enrolment("r1", "caller-1", Note="more")])
    assert read(b"\xef\xbb\xbf" + content) == [Entry("r1", "caller-1")]


@each_row(
    ("content", "code", "words"),
    [
        (b"{", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON in UTF-8"),
        (b"[" * 100_000, 400, "not JSON"),
        (b"[]", 400, '"Version": "1.0"'),
        (b'{"SpeakerEnrollmentRequests": []}', 400, '"Version": "1.0"'),
        (b'{"Version": "2.0", "SpeakerEnrollmentRequests": [1]}', 400, '"Version": "1.0"'),
        (b'{"Version": "1.0"}', 400, "SpeakerEnrollmentRequests"),
        (enrolments([]), 400, "at least one"),
        (b'{"Version": "1.0", "SpeakerEnrollmentRequests": {}}', 400, "list"),
        (enrolments([enrolment(f"r{n}", "caller-1") for n in range(11)]), 402, "more requests"),
        (enrolments([SECRET]), 400, "Request 1"),
        (enrolments([enrolment("r1", "caller-1"), {"SpeakerId": SECRET}]), 400, "Request 2"),
        (enrolments([enrolment("", SECRET)]), 400, "RequestId"),
        (enrolments([enrolment("r" * 257, SECRET)]), 400, "RequestId"),
    ],
)
def test_a_manifest_that_fails_the_job(content: bytes, code: int, words: str) -> None:
    with pytest.raises(ManifestError) as refused:
        read(content)
    assert refused.value.code == code
    assert words in refused.value.text
    assert SECRET not in refused.value.text


@each_row(
    ("change", "words"),
    [
        ({"SpeakerId": "id#" + "a" * 22}, "CustomerSpeakerId"),
        ({"SpeakerId": "a" * 257}, "CustomerSpeakerId"),
        ({"SpeakerId": "caller-1\n"}, "CustomerSpeakerId"),
        ({"SpeakerId": None}, "CustomerSpeakerId"),
        ({"SpeakerId": 17}, "CustomerSpeakerId"),
        ({"AudioSpecifications": []}, "1 to 10"),
        ({"AudioSpecifications": AUDIO * 11}, "1 to 10"),
        ({"AudioSpecifications": None}, "1 to 10"),
        ({"AudioSpecifications": [SECRET]}, "S3Uri"),
        ({"AudioSpecifications": [{"ChannelId": 0}]}, "S3Uri"),
        ({"AudioSpecifications": [{"S3Uri": f"http://{SECRET}", "ChannelId": 0}]}, "S3Uri"),
        ({"AudioSpecifications": [{"S3Uri": "s3://bucket/key"}]}, "ChannelId"),
        ({"AudioSpecifications": [{"S3Uri": "s3://bucket/key", "ChannelId": 2}]}, "ChannelId"),
        ({"AudioSpecifications": [{"S3Uri": "s3://bucket/key", "ChannelId": True}]}, "ChannelId"),
    ],
)
def test_a_request_that_fails_alone(change: dict[str, Any], words: str) -> None:
    good, bad = read(enrolments([enrolment("r1", "caller-1"), enrolment("r2", SECRET) | change]))
    assert good.fault is None
    assert bad.speaker_id is None
    assert bad.fault is not None
    assert words in bad.fault
    assert SECRET not in bad.fault


def test_a_request_id_that_comes_again_fails_the_later_request() -> None:
    first, second = read(enrolments([enrolment("r1", "caller-1"), enrolment("r1", "caller-2")]))
    assert first.fault is None
    assert second.fault == "RequestId is not unique within the input file."


def test_the_output_has_a_line_for_every_request() -> None:
    entries = [Entry("r1", "caller-1"), Entry("r2", fault="Too bad."), Entry("r3", "caller-3")]
    results = {0: Outcome(status="NEW_ENROLLMENT", generated_id="id#" + "a" * 22), 2: Outcome(409, "Conflict.")}
    content, errors = output(JobKind.ENROLLMENT, entries, results.__getitem__)
    assert errors == 2
    assert json.loads(content) == {
        "Version": "1.0",
        "Errors": [
            {"RequestId": "r2", "ErrorCode": 400, "ErrorMessage": "Too bad."},
            {"RequestId": "r3", "ErrorCode": 409, "ErrorMessage": "Conflict."},
        ],
        "SuccessfulEnrollments": [
            {
                "RequestId": "r1",
                "GeneratedSpeakerId": "id#" + "a" * 22,
                "CustomerSpeakerId": "caller-1",
                "EnrollmentStatus": "NEW_ENROLLMENT",
            }
        ],
    }


def test_the_output_of_a_registration() -> None:
    content, _ = output(JobKind.REGISTRATION, [Entry("r1")], lambda _: Outcome(status="NEW_REGISTRATION"))
    assert json.loads(content)["SuccessfulRegistrations"] == [
        {"RequestId": "r1", "GeneratedFraudsterId": None, "RegistrationStatus": "NEW_REGISTRATION"}
    ]
