"""A lost connection is replaced; what nobody can know is not tried a second time."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from voiceid_optout.service.db import postgres as engines
from voiceid_optout.service.db.database_url import database_url as parsed
from voiceid_optout.service.db.faults import Fault, classify
from voiceid_optout.service.db.session import Session

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
def session(engine: Engine) -> Iterator[Session]:
    session = Session(engine)
    yield session
    session.close()


def insert(connection: Connection) -> None:
    connection.execute(text("INSERT INTO kept VALUES (1)"))


def count(connection: Connection) -> Any:
    return connection.scalar(text("SELECT count(*) FROM kept"))


def test_a_connection_lost_while_idle_is_not_noticed(engine: Engine, session: Session) -> None:
    session.run(insert)
    with engine.connect() as other:
        other.execute(text(END_OTHERS))
    session.run(insert)
    assert session.run(count) == 2


def test_a_connection_made_ahead_and_lost_at_its_first_use_is_replaced(engine: Engine, session: Session) -> None:
    session.connect()
    with engine.connect() as other:
        other.execute(text(END_OTHERS))
    session.run(insert)
    assert session.run(count) == 1


def test_a_new_connection_lost_at_its_first_use_is_given_up_at_once(session: Session) -> None:
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(connection)
        connection.execute(text(END_OWN))

    with pytest.raises(DBAPIError) as failure:
        session.run(work)
    assert classify(failure.value) is Fault.LOST
    assert len(attempts) == 1


def test_a_connection_lost_again_is_given_up(session: Session) -> None:
    session.run(insert)
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(connection)
        connection.execute(text(END_OWN))

    with pytest.raises(DBAPIError) as failure:
        session.run(work)
    assert classify(failure.value) is Fault.LOST
    assert len(attempts) == 2
    assert session.run(count) == 1


def test_a_failed_commit_is_not_repeated(session: Session, engine: Engine) -> None:
    attempts = []

    def work(connection: Connection) -> None:
        insert(connection)
        attempts.append(connection)
        with engine.connect() as other:
            other.execute(text(END_OTHERS))

    with pytest.raises(DBAPIError) as failure:
        session.run(work)
    assert classify(failure.value) is Fault.LOST
    assert len(attempts) == 1
    assert session.run(count) == 0


def test_another_failure_is_raised_and_leaves_the_session_usable(session: Session) -> None:
    session.run(insert)
    with pytest.raises(DBAPIError):
        session.run(lambda connection: connection.execute(text("SELECT 1 / 0")))
    assert session.run(count) == 1


def test_connecting_ahead_may_fail(session: Session) -> None:
    nowhere = engines.writer(parsed("postgresql://service@127.0.0.1:1/none"))
    idle = Session(nowhere)
    idle.connect()
    with pytest.raises(DBAPIError, match="refused"):
        idle.run(count)
    idle.close()
    nowhere.dispose()
