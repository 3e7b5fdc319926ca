"""The revisions make exactly the tables that the package works with."""

import re
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine

from optout.service import migrations
from optout.service.history import migrate
from optout.service.schema import metadata

# Every operation's module, and with them every table.
pytest.importorskip("optout.service.server")


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    engine = create_engine(f"sqlite:///{tmp_path / 'new.db'}")
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
