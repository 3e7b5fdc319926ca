"""Objects over S3's protocol, by boto3 and a small server of the tests' own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.batch import ROLE, Batch, enrolment, enrolments
from tests.service.running import thread
from tests.service.s3_server import Bucket, s3_server
from voiceid_optout.service.jobs import objects_s3
from voiceid_optout.service.jobs.objects import ObjectError
from voiceid_optout.service.jobs.objects_s3 import S3Objects


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with s3_server() as running:
        yield running


def test_what_is_written_is_read(bucket: Bucket) -> None:
    store = S3Objects(bucket.url)
    store.write("s3://output/jobs/people.json.out", b"content", None)
    assert bucket.objects == {"/output/jobs/people.json.out": b"content"}
    assert store.read("s3://output/jobs/people.json.out") == b"content"
    assert all("AWS4-HMAC-SHA256" in headers["Authorization"] for _, _, headers in bucket.requests)


def test_the_key_of_the_job_encrypts_the_output(bucket: Bucket) -> None:
    S3Objects(bucket.url).write("s3://output/x", b"content", "alias/voice")
    headers = {name.lower(): value for name, value in bucket.requests[0][2].items()}
    assert headers["x-amz-server-side-encryption"] == "aws:kms"
    assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "alias/voice"


@pytest.mark.parametrize(
    ("refusal", "code", "words"),
    [
        (None, 404, "there is none under this name"),
        ((403, "AccessDenied"), 403, "credentials do not allow it"),
        ((400, "InvalidBucketName"), 400, "S3 answered InvalidBucketName"),
    ],
)
def test_a_refusal_says_why_and_names_no_object(
    bucket: Bucket, refusal: tuple[int, str] | None, code: int, words: str
) -> None:
    bucket.refusal = refusal
    store = S3Objects(bucket.url)
    with pytest.raises(ObjectError) as error:
        store.read("s3://input/caller-secret")
    assert error.value.code == code
    assert words in error.value.text
    assert "secret" not in error.value.text
    if refusal:
        with pytest.raises(ObjectError, match="cannot be written"):
            store.write("s3://input/caller-secret", b"", None)


def test_a_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, bucket: Bucket) -> None:
    with s3_server() as gone:
        pass
    with pytest.raises(ObjectError, match="S3 did not answer") as error:
        S3Objects(gone.url).read("s3://input/caller-secret")
    assert error.value.code == 500
    assert "secret" not in error.value.text


def test_an_object_that_is_too_large(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_s3, "MAX_OBJECT_BYTES", 4)
    bucket.objects["/input/large"] = b"12345"
    with pytest.raises(ObjectError, match="larger than"):
        S3Objects(bucket.url).read("s3://input/large")


def test_a_whole_job(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects["/input/people.json"] = enrolments([enrolment("r1", "caller-1")])
    with thread(tmp_path, objects=bucket.url) as service:
        batch = Batch(service, tmp_path, service.client())
        domain = service.new_domain()
        job = batch.wait(batch.start(domain, "s3://input/people.json", DataAccessRoleArn=ROLE))
        assert job["JobStatus"] == "COMPLETED"
        assert b'"CustomerSpeakerId": "caller-1"' in bucket.objects[f"/output/jobs/{job['JobId']}/people.json.out"]
        assert batch.status(domain, "caller-1") == "ENROLLED"
