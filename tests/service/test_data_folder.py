"""The data folder: who holds it, where its service listens, and the keys in it."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from voiceid_optout.service.data_folder import (
    CREDENTIALS_NAME,
    ENDPOINT_NAME,
    LOCK_NAME,
    Running,
    announced,
    find,
    held,
    load_credentials,
    prepare,
)
from voiceid_optout.service.errors import DataLockedError, StartError

ENDPOINT = {"url": "http://127.0.0.1:8099", "region": "us-east-1"}


def test_the_folder_is_made_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_git_ignores_it_and_itself(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    prepare(folder)
    assert (folder / ".gitignore").read_text(encoding="ascii") == "*\n"
    assert (folder / ".gitignore").stat().st_mode & 0o077 == 0
    (folder / ".gitignore").write_text("*.db\n", encoding="ascii")
    prepare(folder)
    assert (folder / ".gitignore").read_text(encoding="ascii") == "*.db\n", "what somebody wrote stays"


def test_an_empty_or_former_folder_is_made_private(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    prepare(folder)
    (folder / LOCK_NAME).touch()
    (folder / "voiceid.db").touch()
    folder.chmod(0o755)
    prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_an_open_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    (folder / "letter.txt").touch()
    with pytest.raises(StartError, match="chmod 700"):
        prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o755


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be used as data folder"):
        prepare(tmp_path / "file")


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(DataLockedError, match="Another service is using"), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_a_service_is_found_while_it_is_announced(tmp_path: Path) -> None:
    with held(tmp_path):
        assert find(tmp_path) is None
        pid = os.getpid()
        endpoint: dict[str, str | int] = {**ENDPOINT, "pid": pid, "admin_url": "http://127.0.0.1:1"}
        with announced(tmp_path, {**endpoint, "credentials": "/somebody/else's"}):
            assert find(tmp_path) == Running(
                ENDPOINT["url"], "http://127.0.0.1:1", pid, "us-east-1", tmp_path / "credentials"
            )
        with announced(tmp_path, endpoint):
            found = find(tmp_path)
            assert found is not None
            assert found.credentials_file is None
            assert "AWS_SHARED_CREDENTIALS_FILE" not in found.environment()
        assert find(tmp_path) is None
        assert not (tmp_path / ENDPOINT_NAME).exists()


@pytest.mark.parametrize("left", [json.dumps({**ENDPOINT, "pid": 1}), "{", "{}"])
def test_a_file_left_behind_is_not_believed(tmp_path: Path, left: str) -> None:
    (tmp_path / ENDPOINT_NAME).write_text(left)
    assert find(tmp_path) is None
    (tmp_path / LOCK_NAME).write_text("1")  # who holds it may not have said so yet
    with (tmp_path / LOCK_NAME).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert find(tmp_path) is None
    with held(tmp_path):  # a new service holds the data but does not listen yet
        assert find(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "{}"])
def test_a_file_that_says_nothing_is_no_service(tmp_path: Path, content: str) -> None:
    with announced(tmp_path, {**ENDPOINT, "pid": 1}):
        (tmp_path / ENDPOINT_NAME).write_text(content)
        assert find(tmp_path) is None


def test_the_environment_points_a_client_at_the_service(tmp_path: Path) -> None:
    running = Running("http://127.0.0.1:8099", None, 1, "eu-west-2", tmp_path / "credentials")
    assert running.environment() == {
        "AWS_ENDPOINT_URL_VOICE_ID": "http://127.0.0.1:8099",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_REGION": "eu-west-2",
        "AWS_DEFAULT_REGION": "eu-west-2",
    }


def test_the_first_start_makes_a_key_for_the_owner_alone(tmp_path: Path) -> None:
    keys = load_credentials(tmp_path)
    path = tmp_path / CREDENTIALS_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [CREDENTIALS_NAME]
    (secret,) = keys.values()
    assert len(secret) == 40
    assert load_credentials(tmp_path) == keys


def test_every_section_is_a_key(tmp_path: Path) -> None:
    path = tmp_path / CREDENTIALS_NAME
    path.touch(0o600)
    path.write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = a%b\n"
        "[ci]\naws_access_key_id = B\naws_secret_access_key = b\n"
    )
    assert load_credentials(tmp_path) == {"A": "a%b", "B": "b"}


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_credentials(tmp_path)
    (tmp_path / CREDENTIALS_NAME).chmod(0o640)
    with pytest.raises(StartError, match="chmod 600"):
        load_credentials(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["secret\n", "[default]\naws_access_key_id = A\nsecret_key = secret\n", "[a]\n[a]\n", "", b"\xff\xfe"],
)
def test_a_damaged_file_is_refused_without_quoting_it(tmp_path: Path, text: Any) -> None:
    path = tmp_path / CREDENTIALS_NAME
    path.touch(0o600)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StartError) as refusal:
        load_credentials(tmp_path)
    assert str(path) in str(refusal.value)
    assert "elete it to have a new" in str(refusal.value)
    assert " secret" not in str(refusal.value).replace("aws_secret", "")
