import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from voiceid_optout.service.db import database
from voiceid_optout.service.db.database import FILE_NAME, open_database, sqlite_reader, sqlite_writer
from voiceid_optout.service.db.migrations import STEPS, current
from voiceid_optout.service.db.schema import metadata
from voiceid_optout.service.errors import StartError


def test_a_new_database_has_the_schema_and_its_revision(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    assert set(inspect(database.reader).get_table_names()) >= set(metadata.tables)
    with database.reader.begin() as connection:
        assert current(connection) == list(STEPS)[-1]


def test_opening_again_keeps_the_token_key(tmp_path: Path) -> None:
    assert open_database(tmp_path).token_key == open_database(tmp_path).token_key


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    open_database(tmp_path)
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE alembic_version SET version_num = '0099_future'")
    database.close()
    with pytest.raises(StartError, match=r"schema revision 0099_future .* newer release"):
        open_database(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"caller-1 caller-2 " * 100)
    with pytest.raises(StartError, match=r"not a database.*restore it from a backup") as refusal:
        open_database(tmp_path)
    assert "caller" not in str(refusal.value)


def test_commits_wait_for_the_disk(tmp_path: Path) -> None:
    engine = sqlite_writer(tmp_path / "new.db")
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL


def test_writers_wait_for_each_other_from_the_beginning(tmp_path: Path) -> None:
    one, two = (sqlite_writer(tmp_path / "new.db") for _ in range(2))
    with one.begin(), two.connect() as second:
        second.connection.driver_connection.execute("PRAGMA busy_timeout=1")  # type: ignore[union-attr]
        with pytest.raises(OperationalError, match="locked"):
            second.begin()


@pytest.mark.parametrize("kind", ["sqlite_reader", "inspector"])
def test_readers_cannot_write(tmp_path: Path, kind: str) -> None:
    with sqlite_writer(tmp_path / "new.db").begin() as connection:
        connection.execute(text("CREATE TABLE kept (number int)"))
    engine = getattr(database, kind)(tmp_path / "new.db")
    with engine.connect() as connection, pytest.raises(OperationalError, match=r"readonly|read-only"):
        connection.execute(text("INSERT INTO kept VALUES (1)"))


def test_a_log_that_grew_behind_a_reader_is_cut_again(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    log, limit = tmp_path / "new.db-wal", 4000 * 4096
    engine = sqlite_writer(path)
    with engine.connect() as connection, sqlite_reader(path).connect() as reader:

        def write(pages: int) -> None:
            with connection.begin():
                connection.execute(text("UPDATE kept SET content = randomblob(:size)"), {"size": pages * 4096})

        with connection.begin():
            connection.execute(text("CREATE TABLE kept (content blob)"))
            connection.execute(text("INSERT INTO kept VALUES ('')"))
        with reader.begin():
            reader.execute(text("SELECT * FROM kept")).all()
            for _ in range(3):
                write(3000)
            assert log.stat().st_size > 2 * limit
        for _ in range(3):
            write(1)
        assert log.stat().st_size <= limit
