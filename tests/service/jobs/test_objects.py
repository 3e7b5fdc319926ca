import pytest

from voiceid_optout.service.errors import StartError
from voiceid_optout.service.jobs.objects import ObjectName, has_key, open_store, output_uri, parse
from voiceid_optout.service.jobs.objects_folder import FolderObjects
from voiceid_optout.service.jobs.objects_s3 import S3Objects


def test_a_name_has_a_bucket_and_a_key() -> None:
    assert parse("s3://bucket/a/b.json") == ObjectName("bucket", "a/b.json")
    assert parse("s3://bucket") == ObjectName("bucket", "")


@pytest.mark.parametrize(
    ("uri", "named"),
    [("s3://bucket/a", True), ("s3://bucket", False), ("s3://bucket/", False), ("s3://bucket/a/", False)],
)
def test_only_an_object_has_a_key(uri: str, named: bool) -> None:
    assert has_key(uri) is named


@pytest.mark.parametrize("folder", ["s3://out/jobs", "s3://out/jobs/"])
def test_where_the_output_goes(folder: str) -> None:
    assert output_uri(folder, "J", "s3://in/a/people.json") == "s3://out/jobs/J/people.json.out"


def test_a_store_is_chosen_by_its_place(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert isinstance(open_store(str(tmp_path)), FolderObjects)
    assert isinstance(open_store("s3"), S3Objects)
    assert isinstance(open_store("http://127.0.0.1:9"), S3Objects)


def test_a_missing_folder_is_refused_at_the_start(tmp_path: object) -> None:
    with pytest.raises(StartError, match=r"--objects: .*missing is not a folder"):
        open_store(f"{tmp_path}/missing")


def test_a_url_without_a_host_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(StartError, match="--objects cannot be used"):
        open_store("http://")
