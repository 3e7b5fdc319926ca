"""Failures as the drivers raise them, told apart; a lost connection is replaced."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.service.cluster import Cluster
from tests.tables import each_row
from voiceid_optout.service.db import postgres as engines
from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.db.postgres import database_url as parsed
from voiceid_optout.service.db.transaction import (
    Failure,
    PersistentConnection,
    Statement,
    classify,
    describe,
    is_full,
)


def wrapped(original: Exception, *, lost: bool = False) -> DBAPIError:
    return DBAPIError("INSERT caller-1", None, original, connection_invalidated=lost)


@each_row(
    ("error", "failure"),
    [
        (wrapped(errors.DeadlockDetected("deadlock detected")), Failure.RACE),
        (wrapped(errors.SerializationFailure("could not serialize")), Failure.RACE),
        (wrapped(errors.UniqueViolation("duplicate key")), Failure.RACE),
        (wrapped(errors.AdminShutdown("terminating connection")), Failure.LOST),
        (wrapped(errors.CannotConnectNow("the database system is starting up")), Failure.LOST),
        (wrapped(errors.TooManyConnections("too many clients")), Failure.LOST),
        (wrapped(errors.DiskFull("no space left")), Failure.LOST),
        (wrapped(errors.LockNotAvailable("lock timeout")), Failure.LOST),
        (wrapped(errors.ReadOnlySqlTransaction("read-only")), Failure.LOST),
        (wrapped(psycopg.OperationalError("the connection is closed")), Failure.LOST),
        (wrapped(errors.CheckViolation("x"), lost=True), Failure.LOST),
        (wrapped(errors.CheckViolation("x")), Failure.OTHER),
        (wrapped(sqlite3.OperationalError("database or disk is full")), Failure.OTHER),
        (wrapped(sqlite3.IntegrityError("UNIQUE constraint failed")), Failure.OTHER),
        (KeyError("DomainId"), Failure.OTHER),
    ],
)
def test_failures_are_told_apart(error: Exception, failure: Failure) -> None:
    assert classify(error) is failure


def test_a_value_that_postgresql_quotes_is_not_repeated(postgres: Cluster) -> None:
    engine = create_engine(postgres.url().replace("postgresql:", "postgresql+psycopg:"))
    twice = text("INSERT INTO people VALUES ('caller-secret'), ('caller-secret')")
    with engine.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE people (name text PRIMARY KEY)"))
        with pytest.raises(DBAPIError) as failure:
            connection.execute(twice)
    engine.dispose()
    assert "caller-secret" in str(failure.value.orig)
    assert describe(failure.value) == "UniqueViolation (23505)"


def test_sqlite_s_reason_is_told(tmp_path: Path) -> None:
    error = wrapped(sqlite3.OperationalError("database or disk is full"))
    assert describe(error) == "DBAPIError: database or disk is full"
    assert describe(KeyError("caller-secret")) == "KeyError"


def test_what_finds_no_room_is_noticed() -> None:
    assert is_full(wrapped(errors.DiskFull("no space left")))
    assert not is_full(wrapped(errors.CheckViolation("x")))
    assert not is_full(wrapped(sqlite3.IntegrityError("UNIQUE constraint failed")))
    assert not is_full(OSError())


END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
END_OWN = "SELECT pg_terminate_backend(pg_backend_pid())"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = engines.writer(parsed(database_url))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (number int)"))
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[PersistentConnection]:
    session = PersistentConnection(engine)
    yield session
    session.close()


def insert(connection: Connection) -> None:
    connection.execute(text("INSERT INTO kept VALUES (1)"))


def count(connection: Connection) -> Any:
    return connection.scalar(text("SELECT count(*) FROM kept"))


def test_a_connection_lost_while_idle_is_not_noticed(engine: Engine, session: PersistentConnection) -> None:
    session.run(insert)
    with engine.connect() as other:
        other.execute(text(END_OTHERS))
    session.run(insert)
    assert session.run(count) == 2


def test_a_connection_made_ahead_and_lost_at_its_first_use_is_replaced(
    engine: Engine, session: PersistentConnection
) -> None:
    session.connect()
    with engine.connect() as other:
        other.execute(text(END_OTHERS))
    session.run(insert)
    assert session.run(count) == 1


def lost_for_good(session: PersistentConnection) -> list[Connection]:
    """Lose every connection at its first use; returns those that were tried until the loss was the answer."""
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(connection)
        connection.execute(text(END_OWN))

    with pytest.raises(DBAPIError) as failure:
        session.run(work)
    assert classify(failure.value) is Failure.LOST
    return attempts


def test_a_new_connection_lost_at_its_first_use_is_given_up_at_once(session: PersistentConnection) -> None:
    attempts = lost_for_good(session)
    assert len(attempts) == 1


def test_a_connection_lost_again_is_given_up(session: PersistentConnection) -> None:
    session.run(insert)
    attempts = lost_for_good(session)
    assert len(attempts) == 2
    assert session.run(count) == 1


def test_a_failed_commit_is_not_repeated(session: PersistentConnection, engine: Engine) -> None:
    attempts = []

    def work(connection: Connection) -> None:
        insert(connection)
        attempts.append(connection)
        with engine.connect() as other:
            other.execute(text(END_OTHERS))

    with pytest.raises(DBAPIError) as failure:
        session.run(work)
    assert classify(failure.value) is Failure.LOST
    assert len(attempts) == 1
    assert session.run(count) == 0


def test_another_failure_is_raised_and_leaves_the_session_usable(session: PersistentConnection) -> None:
    session.run(insert)
    with pytest.raises(DBAPIError):
        session.run(lambda connection: connection.execute(text("SELECT 1 / 0")))
    assert session.run(count) == 1


def test_connecting_ahead_may_fail(session: PersistentConnection) -> None:
    nowhere = engines.writer(parsed("postgresql://service@127.0.0.1:1/none"))
    idle = PersistentConnection(nowhere)
    idle.connect()
    with pytest.raises(DBAPIError, match="refused"):
        idle.run(count)
    idle.close()
    nowhere.dispose()


@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
def test_a_statement_of_our_own_fails_as_any_other(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    url = request.getfixturevalue("database_url") if kind == "PostgreSQL" else None
    database = open_database(tmp_path, url)
    insert = Statement("INSERT INTO meta (key, value) VALUES (:key, 'caller-1')")
    with database.writer.begin() as connection:
        assert insert.run(connection, key="a") == []
        (row,) = Statement("SELECT key, value FROM meta WHERE key = :key").run(connection, key="a")
        assert (row.key, row._asdict()) == ("a", {"key": "a", "value": "caller-1"})
        with pytest.raises(DBAPIError) as failure:
            insert.run(connection, key="a")
        assert "caller-1" not in describe(failure.value)
        assert classify(failure.value) is (Failure.RACE if kind == "PostgreSQL" else Failure.OTHER)
        connection.rollback()
    database.close()
