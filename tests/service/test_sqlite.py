from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from voiceid_optout.service import sqlite


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
