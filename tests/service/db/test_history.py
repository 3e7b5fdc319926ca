"""A database of the first release, which knew no Alembic, is taken over; one of a later release is refused."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from voiceid_optout.service.db.history import current, migrate
from voiceid_optout.service.db.migrations import known_revisions
from voiceid_optout.service.errors import StartError

FIRST_RELEASE = Path(__file__).parent / "databases" / "first-release.sql"


def make_old(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
    database.close()


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    make_old(tmp_path / "voiceid.db")
    engine = create_engine(f"sqlite:///{tmp_path / 'voiceid.db'}")
    yield engine
    engine.dispose()


def test_the_first_release_s_database_is_taken_over_with_all_it_holds(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        assert current(connection) == known_revisions()[-1]
        people = connection.execute(text("SELECT customer_id, status FROM speakers ORDER BY sequence")).all()
        assert people == [("caller-0", "OPTED_OUT"), ("caller-1", "OPTED_OUT")]
        assert connection.scalar(text("SELECT value FROM tags")) == "privacy"


def test_domains_of_the_first_release_get_their_default_watchlist(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        query = (
            "SELECT w.domain_id, watchlist_id FROM watchlists w JOIN domains ON watchlist_id = default_watchlist_id"
        )
        assert connection.execute(text(query)).all() == [("a" * 22, "5JdVQiXV6s1zNWk4AK6H4b")]


def test_a_release_from_before_alembic_will_refuse_the_database_by_its_number(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        assert connection.scalar(text("SELECT value FROM meta WHERE key = 'schema_version'")) == "2"


def test_the_second_time_nothing_is_left_to_do(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        before = connection.scalar(text("PRAGMA schema_version"))
        migrate(connection)
        assert connection.scalar(text("PRAGMA schema_version")) == before


def test_an_unknown_old_schema_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE meta SET value = '7' WHERE key = 'schema_version'"))
        with pytest.raises(StartError, match=r"schema version 7, which no release"):
            migrate(connection)


def test_what_the_first_revision_makes_is_what_the_first_release_made(engine: Engine, tmp_path: Path) -> None:
    new = create_engine(f"sqlite:///{tmp_path / 'new.db'}")
    schemas = []
    for database in (engine, new):
        with database.begin() as connection:
            migrate(connection)
            rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY name")).all()
            # SQLite keeps the statement as it was typed.
            schemas.append([(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows])
        database.dispose()
    assert schemas[0] == schemas[1]
