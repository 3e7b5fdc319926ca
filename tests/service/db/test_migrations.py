"""The revisions make exactly the tables that the package works with."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from voiceid_optout.service import server
from voiceid_optout.service.db import migrations, postgres, sqlite
from voiceid_optout.service.db.database_url import database_url
from voiceid_optout.service.db.history import migrate
from voiceid_optout.service.db.schema import metadata

# Every operation's module, and with them every table.
assert server


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "SQLite":
        engine = sqlite.writer(tmp_path / "new.db")
    else:
        engine = postgres.writer(database_url(request.getfixturevalue("database_url")))
    yield engine
    engine.dispose()


def test_the_revisions_are_one_line_named_as_their_files() -> None:
    script = ScriptDirectory(str(migrations.VERSIONS.parent))
    line = [revision.revision for revision in script.walk_revisions()]
    assert line[::-1] == migrations.known_revisions()
    assert len(script.get_heads()) == 1
    assert all(re.fullmatch(r"\d{4}_[a-z_]+", revision) for revision in line)


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
        command.upgrade(migrations._config(connection), "0003_access")
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
