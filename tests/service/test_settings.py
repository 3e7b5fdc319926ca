"""Settings that are refused at the start, with what to do instead."""

from pathlib import Path

import pytest

from tests.service.running import thread
from voiceid_optout.service.errors import StartError
from voiceid_optout.service.secret_source import Kind, SecretSource
from voiceid_optout.service.settings import EventSinks, WebhookSettings, is_loopback

SECRET = SecretSource(Kind.STORED, "secret")


@pytest.mark.parametrize("url", ["https://events.example/hook", "http://127.0.0.1:1/", "http://localhost/"])
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


@pytest.mark.parametrize(
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
