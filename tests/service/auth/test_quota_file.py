from pathlib import Path

import pytest

from voiceid_optout.service.auth.quota_file import QuotaError, read

OPERATIONS = ("OptOutSpeaker", "ListSpeakers")


def written(tmp_path: Path, text: bytes) -> Path:
    path = tmp_path / "quotas.toml"
    path.write_bytes(text)
    return path


def test_a_file_of_rates(tmp_path: Path) -> None:
    path = written(tmp_path, b"OptOutSpeaker = 500\nListSpeakers = 0.5\n")
    assert read(path, OPERATIONS) == {"OptOutSpeaker": 500.0, "ListSpeakers": 0.5}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"OptOut = 5", "no operation OptOut"),
        (b"OptOutSpeaker = 0", "above 0"),
        (b"OptOutSpeaker = -1", "above 0"),
        (b"OptOutSpeaker = inf", "above 0"),
        (b"OptOutSpeaker = nan", "above 0"),
        (b"OptOutSpeaker = true", "above 0"),
        (b"OptOutSpeaker = '5'", "above 0"),
        (b"OptOutSpeaker: 5", "not TOML"),
        (b"\xff", "not TOML"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, text: bytes, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(QuotaError, match=words) as refusal:
        read(path, OPERATIONS)
    assert str(path) in str(refusal.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(QuotaError, match="No such file"):
        read(tmp_path / "none", OPERATIONS)
