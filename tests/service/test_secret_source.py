from pathlib import Path

import pytest

from voiceid_optout.service.secret_source import Kind, SecretError, SecretSource, read_private

SECRET = "tell-nobody-0123456789"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_a_reference_to_a_file(file: Path) -> None:
    source = SecretSource.parse(f"file:{file}")
    assert source == SecretSource(Kind.FILE, str(file))
    assert source.resolve() == SECRET


def test_a_relative_path_is_kept_as_what_it_means_now(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert SecretSource.parse("file:secret").text == str(file)


def test_a_reference_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    source = SecretSource.parse("env:OPTOUT_TEST_SECRET")
    with pytest.raises(SecretError, match="OPTOUT_TEST_SECRET is not set"):
        source.resolve()
    monkeypatch.setenv("OPTOUT_TEST_SECRET", SECRET)
    assert source.resolve() == SECRET


@pytest.mark.parametrize("text", [SECRET, "file:", "env:", "stored:x", ""])
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SecretError, match="env:NAME or file:PATH") as refusal:
        SecretSource.parse(text)
    assert SECRET not in str(refusal.value)


def test_no_description_holds_the_secret() -> None:
    stored = SecretSource(Kind.STORED, SECRET)
    assert stored.resolve() == SECRET
    assert SECRET not in f"{stored!r} {stored.described}"


def test_a_revoked_key_has_none() -> None:
    with pytest.raises(SecretError):
        SecretSource(Kind.NONE).resolve()


def test_a_group_may_read_it_and_the_world_may_not(file: Path) -> None:
    file.chmod(0o640)
    assert read_private(file) == SECRET
    file.chmod(0o644)
    with pytest.raises(SecretError, match="chmod o="):
        read_private(file)


def test_what_cannot_be_a_secret(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError, match="UTF-8"):
        read_private(file)
    file.write_text(" \n")
    with pytest.raises(SecretError, match="empty"):
        read_private(file)
    file.unlink()
    with pytest.raises(SecretError, match="No such file"):
        read_private(file)
