"""Settings that are refused at the start, with what to do instead."""

from pathlib import Path

import pytest

from tests.service.running import thread
from tests.tables import each_row
from voiceid_optout.service.errors import StartError
from voiceid_optout.service.settings import (
    EventSinks,
    Kind,
    SecretError,
    SecretSource,
    WebhookSettings,
    is_loopback,
    read_private,
)

SECRET = SecretSource(Kind.STORED, "secret")


@each_row("url", ["https://events.example/hook", "http://127.0.0.1:1/", "http://localhost/"])
def test_addresses_of_a_webhook(url: str) -> None:
    WebhookSettings(url, SECRET).check()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://events.example/", "https://"),
        ("ftp://a/", "https://host"),
        ("events", "https://host"),
        ("", "form"),
    ],
)
def test_addresses_of_a_webhook_that_are_refused(tmp_path: Path, url: str, words: str) -> None:
    events = EventSinks(webhook=WebhookSettings(url, SECRET))
    with pytest.raises(StartError, match=words), thread(tmp_path, events=events):
        pass


def test_a_file_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    events = EventSinks(file=tmp_path / "none" / "events.jsonl")
    with pytest.raises(StartError, match="no folder"), thread(tmp_path / "data", events=events):
        pass


def test_names_are_those_that_are_set(tmp_path: Path) -> None:
    assert EventSinks().names == ()
    both = EventSinks(tmp_path / "events", WebhookSettings("https://a/", SECRET))
    assert both.names == ("file", "webhook")


@each_row(
    ("host", "local"),
    [
        *((name, True) for name in ("127.0.0.1", "127.9.9.9", "::1", "localhost")),
        *((name, False) for name in ("0.0.0.0", "::", "192.0.2.1", "service.example", "")),
    ],
)
def test_what_only_this_machine_reaches(host: str, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_of_the_network_needs_tls_or_a_word(tmp_path: Path, host: str) -> None:
    with pytest.raises(StartError, match="--insecure-plain-http"), thread(tmp_path, host=host):
        pass
    assert not (tmp_path / "voiceid.db").exists()


TEXT = "tell-nobody-0123456789"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{TEXT}\n")
    path.chmod(0o600)
    return path


def test_a_reference_to_a_file(file: Path) -> None:
    source = SecretSource.parse(f"file:{file}")
    assert source == SecretSource(Kind.FILE, str(file))
    assert source.resolve() == TEXT


def test_a_relative_path_is_kept_as_what_it_means_now(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert SecretSource.parse("file:secret").text == str(file)


def test_a_reference_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    source = SecretSource.parse("env:OPTOUT_TEST_SECRET")
    with pytest.raises(SecretError, match="OPTOUT_TEST_SECRET is not set"):
        source.resolve()
    monkeypatch.setenv("OPTOUT_TEST_SECRET", TEXT)
    assert source.resolve() == TEXT


@each_row("text", [TEXT, "file:", "env:", "stored:x", ""])
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(SecretError, match="env:NAME or file:PATH") as refusal:
        SecretSource.parse(text)
    assert TEXT not in str(refusal.value)


def test_no_description_holds_the_secret() -> None:
    stored = SecretSource(Kind.STORED, TEXT)
    assert stored.resolve() == TEXT
    assert TEXT not in f"{stored!r} {stored.described}"


def test_a_revoked_key_has_none() -> None:
    with pytest.raises(SecretError):
        SecretSource(Kind.NONE).resolve()


def test_a_group_may_read_it_and_the_world_may_not(file: Path) -> None:
    file.chmod(0o640)
    assert read_private(file) == TEXT
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
