import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect

from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.db.revisions import current, known_revisions
from voiceid_optout.service.db.schema import metadata
from voiceid_optout.service.db.sqlite import FILE_NAME
from voiceid_optout.service.errors import StartError


def test_a_new_database_has_the_schema_and_its_revision(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    assert set(inspect(database.reader).get_table_names()) >= set(metadata.tables)
    with database.reader.begin() as connection:
        assert current(connection) == known_revisions()[-1]


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
