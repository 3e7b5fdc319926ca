"""What a role includes, and keys in the database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from voiceid_optout.model import load_model
from voiceid_optout.service.auth import keys
from voiceid_optout.service.auth.keys import KeyExistsError, KeyRow, Role, granted, not_granted
from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.secret_source import Kind, SecretSource

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


@pytest.mark.parametrize("role", Role)
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
