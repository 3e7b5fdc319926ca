"""The schema's history, as Alembic revisions in ``versions``, applied when the service starts.

To add a revision:

1. Define the tables in a module of the package, on the ``metadata`` of ``voiceid_optout.service.db.schema``.
2. Add ``versions/vNNNN_name.py``, with the next number: ``revision = "NNNN_name"`` (the file's name without the
   ``v``), ``down_revision`` the revision before it, and ``upgrade()`` with Alembic's ``op`` in plain, explicit
   columns. It must not import the package's tables: those change, a published revision never does. Both databases
   must take it: ``BigInteger().with_variant(Integer, "sqlite")`` for numbers that the database gives, no server
   types.
3. Run ``pytest tests/service/db/test_migrations.py``: it compares what the revisions make with what the tables
   say, in SQLite and PostgreSQL.

Revisions are one line without branches; there is no way down, a backup is.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = Path(__file__).with_name("versions")


def known_revisions() -> list[str]:
    """Return the revisions of this release in their order, without importing Alembic: starts are to be quick."""
    return sorted(path.stem.removeprefix("v") for path in VERSIONS.glob("v[0-9]*.py"))


def stamp(connection: Connection, revision: str) -> None:
    """Note that the schema is at ``revision``, without running anything."""
    from alembic import command  # noqa: PLC0415  a fifth of a second, which only a migration is to cost

    command.stamp(_config(connection), revision)


def upgrade(connection: Connection) -> None:
    """Apply the revisions that are missing, within the connection's transaction."""
    from alembic import command  # noqa: PLC0415  see stamp

    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  see stamp

    # A percent sign in a path would be taken for the start of a reference.
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
