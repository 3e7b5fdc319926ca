"""Keys that are added, changed and revoked while the service runs."""

import logging
from pathlib import Path

import pytest

from tests.service.auth.keyring import add_key, error_of, manage, until
from tests.service.running import Service, thread
from voiceid_optout.service.auth.credentials_file import section
from voiceid_optout.service.auth.keyring import make_ring
from voiceid_optout.service.auth.keys import KeyRow, Role
from voiceid_optout.service.data_folder import CREDENTIALS_NAME
from voiceid_optout.service.secret_source import Kind, SecretSource
from voiceid_optout.service.settings import AccessSettings

NAMES = ("OptOutSpeaker", "DescribeSpeaker", "DeleteSpeaker")


def row(key: str, secret: str = "s", role: Role = Role.READ, **more: object) -> KeyRow:
    return KeyRow(key, "ci", role, SecretSource(Kind.STORED, secret), 1.0, **more)  # type: ignore[arg-type]


def test_keys_have_the_operations_of_their_role() -> None:
    ring = make_ring([row("A"), row("B", role=Role.RECONCILE, may_release=True)], {"C": "c"}, NAMES)
    assert {name: sorted(key.operations) for name, key in ring.keys.items()} == {
        "A": ["DescribeSpeaker"],
        "B": ["DeleteSpeaker", "DescribeSpeaker", "OptOutSpeaker"],
        "C": ["DeleteSpeaker", "DescribeSpeaker", "OptOutSpeaker"],
    }


def test_the_store_decides_about_a_key_that_a_file_has_too() -> None:
    ring = make_ring([row("A", revoked_at=2.0), row("B", "new")], {"A": "a", "B": "b"}, NAMES)
    assert {name: (key.role, key.secret) for name, key in ring.keys.items()} == {"B": (Role.READ, "new")}


def test_a_secret_that_cannot_be_had_costs_its_key_alone(tmp_path: Path) -> None:
    missing = KeyRow("B", "ci", Role.READ, SecretSource(Kind.FILE, str(tmp_path / "none")), 1.0)
    ring = make_ring([row("A"), missing], {}, NAMES)
    assert list(ring.keys) == ["A"]
    assert "No such file" in ring.faults["B"]


def test_a_key_does_not_show_its_secret() -> None:
    ring = make_ring([row("A", "hush-hush")], {}, NAMES)
    assert "hush" not in repr(ring)


UNKNOWN = "UnrecognizedClientException"
WRONG = "InvalidSignatureException"
FEW_SECONDS = 10.0  # a machine that does much else at the same time included


def test_added_and_revoked_keys_count_within_seconds(fresh: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceid_optout.service.auth.keyring.POLL_SECONDS", 1.0)
    keys = add_key(fresh, "read", "--name", "monitor")
    assert error_of(fresh, keys) == ""
    manage(fresh, "revoke", keys[0])
    assert until(lambda: error_of(fresh, keys) == UNKNOWN) < FEW_SECONDS
    assert error_of(fresh, fresh.keys()) == ""  # the others go on


def test_the_folder_s_own_key_can_be_revoked_and_stays_so(tmp_path: Path) -> None:
    with thread(tmp_path) as service:
        keys = service.keys()
        manage(service, "revoke", keys[0])
        assert until(lambda: error_of(service, keys) == UNKNOWN) < FEW_SECONDS
    with thread(tmp_path) as service:
        assert error_of(service, keys) == UNKNOWN


def test_a_section_added_to_the_file_counts_without_a_restart(fresh: Service) -> None:
    keys = ("OPTOSECONDSECONDSEC", "another-secret")
    with (fresh.data / CREDENTIALS_NAME).open("a") as file:
        file.write(section("second", *keys))
    assert until(lambda: error_of(fresh, keys) == "") < FEW_SECONDS


def test_a_file_damaged_meanwhile_leaves_the_keys_of_before(
    fresh: Service, caplog: pytest.LogCaptureFixture
) -> None:
    keys = fresh.keys()
    (fresh.data / CREDENTIALS_NAME).write_text("[default\n")
    until(lambda: "keys of before" in caplog.text)
    assert error_of(fresh, keys) == ""
    assert caplog.text.count("keys of before") == 1


def test_a_file_removed_meanwhile_takes_its_keys_along(fresh: Service) -> None:
    keys = fresh.keys()
    (fresh.data / CREDENTIALS_NAME).unlink()
    assert until(lambda: error_of(fresh, keys) == UNKNOWN) < FEW_SECONDS


def test_a_secret_in_a_file_is_followed(fresh: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("first\n")
    key = manage(fresh, "add", "--role", "read", "--secret", f"file:{path}").strip()
    until(lambda: error_of(fresh, (key, "first")) == "")
    path.write_text("second\n")
    assert until(lambda: error_of(fresh, (key, "second")) == "") < FEW_SECONDS
    assert error_of(fresh, (key, "first")) == WRONG
    path.chmod(0o644)
    until(lambda: error_of(fresh, (key, "second")) == UNKNOWN)
    assert f"The access key {key} cannot be used: {path} can be read by every user" in caplog.text
    assert "second" not in caplog.text.replace(str(path), "")


def test_without_a_first_key_there_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), thread(tmp_path, access=AccessSettings(first_key=False)) as service:
        assert not (tmp_path / CREDENTIALS_NAME).exists()
        assert "optout serve keys add" in caplog.text
        keys = add_key(service, "admin")
        assert error_of(service, keys) == ""
