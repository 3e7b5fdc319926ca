from pathlib import Path
from typing import Any

import pytest

from voiceid_optout.service.auth.credentials_file import load_keys
from voiceid_optout.service.data_folder import CREDENTIALS_NAME
from voiceid_optout.service.errors import StartError


def test_the_first_start_makes_a_key_for_the_owner_alone(tmp_path: Path) -> None:
    keys = load_keys(tmp_path)
    path = tmp_path / CREDENTIALS_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [CREDENTIALS_NAME]
    (secret,) = keys.values()
    assert len(secret) == 40
    assert load_keys(tmp_path) == keys


def test_every_section_is_a_key(tmp_path: Path) -> None:
    path = tmp_path / CREDENTIALS_NAME
    path.touch(0o600)
    path.write_text(
        "[default]\naws_access_key_id = A\naws_secret_access_key = a%b\n"
        "[ci]\naws_access_key_id = B\naws_secret_access_key = b\n"
    )
    assert load_keys(tmp_path) == {"A": "a%b", "B": "b"}


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    load_keys(tmp_path)
    (tmp_path / CREDENTIALS_NAME).chmod(0o640)
    with pytest.raises(StartError, match="chmod 600"):
        load_keys(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["secret\n", "[default]\naws_access_key_id = A\nsecret_key = secret\n", "[a]\n[a]\n", "", b"\xff\xfe"],
)
def test_a_damaged_file_is_refused_without_quoting_it(tmp_path: Path, text: Any) -> None:
    path = tmp_path / CREDENTIALS_NAME
    path.touch(0o600)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(StartError) as refusal:
        load_keys(tmp_path)
    assert str(path) in str(refusal.value)
    assert "elete it to have a new" in str(refusal.value)
    assert " secret" not in str(refusal.value).replace("aws_secret", "")
