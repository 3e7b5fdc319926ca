from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from voiceid_optout.service.db import sqlite


def test_commits_wait_for_the_disk(tmp_path: Path) -> None:
    engine = sqlite.writer(tmp_path / "new.db")
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2  # FULL


def test_writers_wait_for_each_other_from_the_beginning(tmp_path: Path) -> None:
    one, two = (sqlite.writer(tmp_path / "new.db") for _ in range(2))
    with one.begin(), two.connect() as second:
        second.connection.driver_connection.execute("PRAGMA busy_timeout=1")  # type: ignore[union-attr]
        with pytest.raises(OperationalError, match="locked"):
            second.begin()


@pytest.mark.parametrize("kind", ["reader", "inspector"])
def test_readers_cannot_write(tmp_path: Path, kind: str) -> None:
    with sqlite.writer(tmp_path / "new.db").begin() as connection:
        connection.execute(text("CREATE TABLE kept (number int)"))
    engine = getattr(sqlite, kind)(tmp_path / "new.db")
    with engine.connect() as connection, pytest.raises(OperationalError, match=r"readonly|read-only"):
        connection.execute(text("INSERT INTO kept VALUES (1)"))


def test_a_log_that_grew_behind_a_reader_is_cut_again(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    log, limit = tmp_path / "new.db-wal", 4000 * 4096
    engine = sqlite.writer(path)
    with engine.connect() as connection, sqlite.reader(path).connect() as reader:

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
