"""What a role includes, keys in the database, and which ones a running service takes."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.service.auth.keyring import add_key, error_of, manage, until
from tests.service.running import Service, thread
from tests.tables import each_row
from voiceid_optout.model import load_model
from voiceid_optout.service.auth import keys
from voiceid_optout.service.auth.keys import KeyExistsError, KeyRow, Role, granted, make_ring, not_granted
from voiceid_optout.service.data_folder import CREDENTIALS_NAME, credentials_section
from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.settings import AccessSettings, Kind, SecretSource

NAMES = frozenset(load_model()["operations"])


def test_reading_is_everything_that_changes_nothing() -> None:
    reading = granted(Role.READ, NAMES, may_release=False)
    assert {name for name in reading if not name.startswith(("Describe", "List"))} == {"EvaluateSession"}
    assert len(reading) == 14


def test_each_role_has_more_than_the_one_before() -> None:
    read = granted(Role.READ, NAMES, may_release=False)
    reconcile = granted(Role.RECONCILE, NAMES, may_release=False)
    releasing = granted(Role.RECONCILE, NAMES, may_release=True)
    assert reconcile - read == {"OptOutSpeaker"}
    assert releasing - reconcile == {"DeleteSpeaker"}
    assert granted(Role.ADMIN, NAMES, may_release=False) == NAMES


@each_row("role", Role)
def test_a_refusal_names_role_and_operation(role: Role) -> None:
    error = not_granted(role, "DeleteSpeaker")
    assert error.code == "AccessDeniedException"
    assert f"'{role}'" in error.text
    assert "DeleteSpeaker" in error.text
    assert ("--may-release" in error.text) == (role is Role.RECONCILE)


FIRST = KeyRow("OPTOA", "nightly", Role.RECONCILE, SecretSource(Kind.STORED, "secret"), 1.0, may_release=True)
SECOND = KeyRow("OPTOB", "monitor", Role.READ, SecretSource(Kind.ENVIRONMENT, "NAME"), 2.0)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = open_database(tmp_path)
    with database.writer.begin() as connection:
        yield connection
    database.close()


def test_keys_come_back_as_they_were_added(connection: Connection) -> None:
    keys.add(connection, SECOND)
    keys.add(connection, FIRST)
    assert keys.read_rows(connection) == (FIRST, SECOND)


def test_an_id_is_never_used_twice(connection: Connection) -> None:
    keys.add(connection, FIRST)
    keys.revoke(connection, "OPTOA", 3.0)
    with pytest.raises(KeyExistsError, match="OPTOA"):
        keys.add(connection, FIRST)


def test_revoking_forgets_the_secret(connection: Connection) -> None:
    keys.add(connection, FIRST)
    assert keys.revoke(connection, "OPTOA", 3.0)
    assert not keys.revoke(connection, "OPTOA", 4.0)
    (found,) = keys.read_rows(connection)
    assert (found.revoked_at, found.source) == (3.0, SecretSource(Kind.NONE))


def test_revoking_what_is_not_there(connection: Connection) -> None:
    with pytest.raises(KeyError):
        keys.revoke(connection, "OPTOC", 3.0)


THREE = ("OptOutSpeaker", "DescribeSpeaker", "DeleteSpeaker")


def row(key: str, secret: str = "s", role: Role = Role.READ, **more: object) -> KeyRow:
    return KeyRow(key, "ci", role, SecretSource(Kind.STORED, secret), 1.0, **more)  # type: ignore[arg-type]


def test_keys_have_the_operations_of_their_role() -> None:
    ring = make_ring([row("A"), row("B", role=Role.RECONCILE, may_release=True)], {"C": "c"}, THREE)
    assert {name: sorted(key.operations) for name, key in ring.keys.items()} == {
        "A": ["DescribeSpeaker"],
        "B": ["DeleteSpeaker", "DescribeSpeaker", "OptOutSpeaker"],
        "C": ["DeleteSpeaker", "DescribeSpeaker", "OptOutSpeaker"],
    }


def test_the_store_decides_about_a_key_that_a_file_has_too() -> None:
    ring = make_ring([row("A", revoked_at=2.0), row("B", "new")], {"A": "a", "B": "b"}, THREE)
    assert {name: (key.role, key.secret) for name, key in ring.keys.items()} == {"B": (Role.READ, "new")}


def test_a_secret_that_cannot_be_had_costs_its_key_alone(tmp_path: Path) -> None:
    missing = KeyRow("B", "ci", Role.READ, SecretSource(Kind.FILE, str(tmp_path / "none")), 1.0)
    ring = make_ring([row("A"), missing], {}, THREE)
    assert list(ring.keys) == ["A"]
    assert "No such file" in ring.faults["B"]


def test_a_key_does_not_show_its_secret() -> None:
    ring = make_ring([row("A", "hush-hush")], {}, THREE)
    assert "hush" not in repr(ring)


UNKNOWN = "UnrecognizedClientException"
WRONG = "InvalidSignatureException"
FEW_SECONDS = 10.0  # a machine that does much else at the same time included


def test_added_and_revoked_keys_count_within_seconds(fresh: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceid_optout.service.auth.keys.POLL_SECONDS", 1.0)
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
        file.write(credentials_section("second", *keys))
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
