"""The revisions make the tables of this release, from nothing and from what earlier releases have left."""

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

from voiceid_optout.service.db import postgres
from voiceid_optout.service.db.database import sqlite_writer
from voiceid_optout.service.db.migrations import STEPS, current, migrate, upgrade
from voiceid_optout.service.db.postgres import database_url
from voiceid_optout.service.db.schema import metadata
from voiceid_optout.service.errors import StartError

FIRST_RELEASE = Path(__file__).parent / "databases" / "first-release.sql"


def make_old(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.executescript(FIRST_RELEASE.read_text(encoding="utf-8"))
    database.close()


@pytest.fixture
def old(tmp_path: Path) -> Any:
    make_old(tmp_path / "voiceid.db")
    old = create_engine(f"sqlite:///{tmp_path / 'voiceid.db'}")
    yield old
    old.dispose()


def test_the_first_release_s_database_is_taken_over_with_all_it_holds(old: Engine) -> None:
    with old.begin() as connection:
        migrate(connection)
        assert current(connection) == "0004_once"
        people = connection.execute(text("SELECT customer_id, status FROM speakers ORDER BY sequence")).all()
        assert people == [("caller-0", "OPTED_OUT"), ("caller-1", "OPTED_OUT")]
        assert connection.scalar(text("SELECT value FROM tags")) == "privacy"


def test_domains_of_the_first_release_get_their_default_watchlist(old: Engine) -> None:
    with old.begin() as connection:
        migrate(connection)
        query = (
            "SELECT w.domain_id, watchlist_id FROM watchlists w JOIN domains ON watchlist_id = default_watchlist_id"
        )
        assert connection.execute(text(query)).all() == [("a" * 22, "5JdVQiXV6s1zNWk4AK6H4b")]


def test_a_release_from_before_alembic_will_refuse_the_database_by_its_number(old: Engine) -> None:
    with old.begin() as connection:
        migrate(connection)
        assert connection.scalar(text("SELECT value FROM meta WHERE key = 'schema_version'")) == "2"


def test_the_second_time_nothing_is_left_to_do(old: Engine) -> None:
    with old.begin() as connection:
        migrate(connection)
        before = connection.scalar(text("PRAGMA schema_version"))
        migrate(connection)
        assert connection.scalar(text("PRAGMA schema_version")) == before


def test_an_unknown_old_schema_is_refused(old: Engine) -> None:
    with old.begin() as connection:
        connection.execute(text("UPDATE meta SET value = '7' WHERE key = 'schema_version'"))
        with pytest.raises(StartError, match=r"schema version 7, which no release"):
            migrate(connection)


def test_what_the_first_revision_makes_is_what_the_first_release_made(old: Engine, tmp_path: Path) -> None:
    new = create_engine(f"sqlite:///{tmp_path / 'new.db'}")
    schemas = []
    for database in (old, new):
        with database.begin() as connection:
            migrate(connection)
            rows = connection.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY name")).all()
            # SQLite keeps the statement as it was typed.
            schemas.append([(kind, name, " ".join((sql or "").split())) for kind, name, sql in rows])
        database.dispose()
    assert schemas[0] == schemas[1]


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "SQLite":
        engine = sqlite_writer(tmp_path / "new.db")
    else:
        engine = postgres.writer(database_url(request.getfixturevalue("database_url")))
    yield engine
    engine.dispose()


def test_the_revisions_are_numbered_in_their_order() -> None:
    assert all(re.fullmatch(r"\d{4}_[a-z_]+", revision) for revision in STEPS)
    assert [int(revision[:4]) for revision in STEPS] == list(range(1, len(STEPS) + 1))


@pytest.mark.parametrize("revision", STEPS)
def test_a_database_of_any_revision_is_brought_up_to_date(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        upgrade(connection, None, revision)
        assert current(connection) == revision
        migrate(connection)
        assert current(connection) == list(STEPS)[-1]
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_what_the_revisions_make_is_what_the_tables_say(engine: Engine) -> None:
    with engine.begin() as connection:
        migrate(connection)
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.parametrize("used", [True, False])
def test_what_an_earlier_release_knew_of_signatures_becomes_a_boundary(
    engine: Engine, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    boundary = text("SELECT value FROM meta WHERE key = 'forgotten_requests'")
    with engine.begin() as connection:
        upgrade(connection, None, "0003_access")
        if used:
            connection.execute(text("INSERT INTO used_signatures VALUES ('ab', 1.5)"))
        monkeypatch.setattr(time, "time", lambda: 1_800_000_000.5)
        migrate(connection)
        assert connection.scalar(boundary) == ("6b49d200" if used else None)


def test_a_start_that_has_nothing_to_migrate_loads_neither_alembic_nor_a_driver_it_does_not_use(
    tmp_path: Path,
) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from voiceid_optout.service.db.database import open_database\n"
        "open_database(Path(sys.argv[1])).close()\n"
        "print(*sorted({'alembic', 'psycopg'} & set(sys.modules)))\n"
    )
    first, second = (
        subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert (first, second) == ("alembic\n", "\n")
