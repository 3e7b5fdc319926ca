"""The parts of a name, a folder in the place of S3, and S3's protocol by a small server of the tests' own."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.batch import ROLE, Batch, enrolment, enrolments
from tests.service.running import thread
from tests.service.s3_server import Bucket, s3_server
from voiceid_optout.service.errors import StartError
from voiceid_optout.service.jobs import objects
from voiceid_optout.service.jobs.objects import (
    FolderObjects,
    ObjectError,
    S3Objects,
    open_objects,
    output_uri,
    parse,
)


def test_a_name_has_a_bucket_and_a_key() -> None:
    assert parse("s3://bucket/a/b.json") == ("bucket", "a/b.json")
    assert parse("s3://bucket") == ("bucket", "")


@pytest.mark.parametrize("folder", ["s3://out/jobs", "s3://out/jobs/"])
def test_where_the_output_goes(folder: str) -> None:
    assert output_uri(folder, "J", "s3://in/a/people.json") == "s3://out/jobs/J/people.json.out"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "bucket").mkdir(parents=True)
    (tmp_path / "outside.json").write_text("outside")
    return root


@pytest.fixture
def store(root: Path) -> FolderObjects:
    return FolderObjects(str(root))


def refused(store: FolderObjects, uri: str) -> ObjectError:
    with pytest.raises(ObjectError) as error:
        store.read(uri)
    with pytest.raises(ObjectError):
        store.write(uri, b"x", None)
    return error.value


def test_what_is_written_is_read(store: FolderObjects) -> None:
    store.write("s3://bucket/a/b/people.json", b"first", None)
    store.write("s3://bucket/a/b/people.json", b"second", "alias/key")
    assert store.read("s3://bucket/a/b/people.json") == b"second"


def test_a_file_is_for_its_owner_alone_and_nothing_is_left_beside_it(store: FolderObjects, root: Path) -> None:
    before = os.umask(0)
    try:
        store.write("s3://fresh/a/people.json", b"content", None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((root / "fresh/a/people.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((root / "fresh/a").stat().st_mode) == 0o700
    assert [path.name for path in (root / "fresh/a").iterdir()] == ["people.json"]


def test_what_a_killed_service_left_is_no_obstacle(store: FolderObjects, root: Path) -> None:
    (root / "bucket" / ".people.json.part").write_text("half")
    store.write("s3://bucket/people.json", b"whole", None)
    assert [path.name for path in (root / "bucket").iterdir()] == ["people.json"]


@pytest.mark.parametrize(
    "key", ["../outside.json", "a/../../../outside.json", "..", ".", "a//b", "/etc/passwd", "a/./b", "a\0b"]
)
def test_no_step_of_a_name_leads_out(store: FolderObjects, key: str) -> None:
    assert refused(store, f"s3://bucket/{key}").code == 400


def test_a_bucket_cannot_lead_out() -> None:
    assert refused(FolderObjects("/tmp"), "s3://../etc/passwd").code == 400


def test_links_are_not_followed(store: FolderObjects, root: Path, tmp_path: Path) -> None:
    (root / "bucket" / "folder").symlink_to(tmp_path)
    (root / "linked").symlink_to(tmp_path)
    assert refused(store, "s3://bucket/folder/outside.json").code == 403
    assert refused(store, "s3://linked/outside.json").code == 403


def test_a_linked_file_is_not_read_and_is_replaced_not_followed(
    store: FolderObjects, root: Path, tmp_path: Path
) -> None:
    (root / "bucket" / "file.json").symlink_to(tmp_path / "outside.json")
    with pytest.raises(ObjectError) as error:
        store.read("s3://bucket/file.json")
    assert error.value.code == 403
    store.write("s3://bucket/file.json", b"new", None)
    assert (tmp_path / "outside.json").read_text() == "outside"
    assert store.read("s3://bucket/file.json") == b"new"


@pytest.mark.parametrize("key", ["missing.json", "missing/people.json"])
def test_a_missing_object(store: FolderObjects, key: str) -> None:
    with pytest.raises(ObjectError, match="there is none under this name") as error:
        store.read(f"s3://bucket/{key}")
    assert error.value.code == 404


def test_no_name_stands_in_an_error(store: FolderObjects) -> None:
    error = refused(store, "s3://bucket/" + "caller-17" * 40)
    assert error.code == 403
    assert "caller-17" not in error.text


def test_a_pipe_and_a_folder_are_no_objects(store: FolderObjects, root: Path) -> None:
    os.mkfifo(root / "bucket" / "pipe")
    (root / "bucket" / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ObjectError):
            store.read(f"s3://bucket/{name}")


def test_an_object_that_is_too_large(store: FolderObjects, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MAX_OBJECT_BYTES", 4)
    (root / "bucket" / "large").write_bytes(b"12345")
    (root / "bucket" / "right").write_bytes(b"1234")
    assert store.read("s3://bucket/right") == b"1234"
    with pytest.raises(ObjectError, match="larger than"):
        store.read("s3://bucket/large")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with s3_server() as running:
        yield running


def test_what_is_written_to_s3_is_read(bucket: Bucket) -> None:
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


def test_an_object_in_s3_that_is_too_large(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MAX_OBJECT_BYTES", 4)
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


def test_a_store_is_chosen_by_its_place(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert isinstance(open_objects(str(tmp_path)), FolderObjects)
    assert isinstance(open_objects("s3"), S3Objects)
    assert isinstance(open_objects("http://127.0.0.1:9"), S3Objects)


def test_a_missing_folder_is_refused_at_the_start(tmp_path: object) -> None:
    with pytest.raises(StartError, match=r"--objects: .*missing is not a folder"):
        open_objects(f"{tmp_path}/missing")


def test_a_url_without_a_host_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(StartError, match="--objects cannot be used"):
        open_objects("http://")
