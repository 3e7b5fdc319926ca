from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from voiceid_optout.service.auth import key_table
from voiceid_optout.service.auth.key_table import KeyExistsError, KeyRow
from voiceid_optout.service.auth.roles import Role
from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.secret_source import Kind, SecretSource

FIRST = KeyRow("OPTOA", "nightly", Role.RECONCILE, SecretSource(Kind.STORED, "secret"), 1.0, may_release=True)
SECOND = KeyRow("OPTOB", "monitor", Role.READ, SecretSource(Kind.ENVIRONMENT, "NAME"), 2.0)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = open_database(tmp_path)
    with database.writer.begin() as connection:
        yield connection
    database.close()


def test_keys_come_back_as_they_were_added(connection: Connection) -> None:
    key_table.add(connection, SECOND)
    key_table.add(connection, FIRST)
    assert key_table.read(connection) == (FIRST, SECOND)


def test_an_id_is_never_used_twice(connection: Connection) -> None:
    key_table.add(connection, FIRST)
    key_table.revoke(connection, "OPTOA", 3.0)
    with pytest.raises(KeyExistsError, match="OPTOA"):
        key_table.add(connection, FIRST)


def test_revoking_forgets_the_secret(connection: Connection) -> None:
    key_table.add(connection, FIRST)
    assert key_table.revoke(connection, "OPTOA", 3.0)
    assert not key_table.revoke(connection, "OPTOA", 4.0)
    (found,) = key_table.read(connection)
    assert (found.revoked_at, found.source) == (3.0, SecretSource(Kind.NONE))


def test_revoking_what_is_not_there(connection: Connection) -> None:
    with pytest.raises(KeyError):
        key_table.revoke(connection, "OPTOC", 3.0)
