"""Failures as the drivers raise them, told apart."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.service.cluster import Cluster
from voiceid_optout.service.db.faults import Fault, classify, describe, is_full


def wrapped(original: Exception, *, lost: bool = False) -> DBAPIError:
    return DBAPIError("INSERT caller-1", None, original, connection_invalidated=lost)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (wrapped(errors.DeadlockDetected("deadlock detected")), Fault.RACE),
        (wrapped(errors.SerializationFailure("could not serialize")), Fault.RACE),
        (wrapped(errors.UniqueViolation("duplicate key")), Fault.RACE),
        (wrapped(errors.AdminShutdown("terminating connection")), Fault.LOST),
        (wrapped(errors.CannotConnectNow("the database system is starting up")), Fault.LOST),
        (wrapped(errors.TooManyConnections("too many clients")), Fault.LOST),
        (wrapped(errors.DiskFull("no space left")), Fault.LOST),
        (wrapped(errors.LockNotAvailable("lock timeout")), Fault.LOST),
        (wrapped(errors.ReadOnlySqlTransaction("read-only")), Fault.LOST),
        (wrapped(psycopg.OperationalError("the connection is closed")), Fault.LOST),
        (wrapped(errors.CheckViolation("x"), lost=True), Fault.LOST),
        (wrapped(errors.CheckViolation("x")), Fault.OTHER),
        (wrapped(sqlite3.OperationalError("database or disk is full")), Fault.OTHER),
        (wrapped(sqlite3.IntegrityError("UNIQUE constraint failed")), Fault.OTHER),
        (KeyError("DomainId"), Fault.OTHER),
    ],
)
def test_failures_are_told_apart(error: Exception, fault: Fault) -> None:
    assert classify(error) is fault


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
