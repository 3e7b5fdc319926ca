"""Where a database stands among the schema's revisions, and bringing it to this release's.

The revisions are Alembic's, in ``migrations/versions``, applied when the service starts.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, select, text, update

from voiceid_optout.service.db.schema import meta, speakers
from voiceid_optout.service.errors import StartError

if TYPE_CHECKING:
    from alembic.config import Config

_REVISION_TABLE = "alembic_version"
_COUNTED = "1"
_SINCE_ALEMBIC = "2"
"""What ``meta`` keeps as schema version since Alembic counts: releases from before refuse it by this number."""


_MIGRATIONS = Path(__file__).with_name("migrations")
VERSIONS = _MIGRATIONS / "versions"


def current(connection: Connection) -> str | None:
    """Return the database's revision, or None if it has none: it is empty, or of a release before Alembic."""
    if not inspect(connection).has_table(_REVISION_TABLE):
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {_REVISION_TABLE}"))  # noqa: S608
    return revision


def is_current(connection: Connection) -> bool:
    """Tell whether nothing is to be migrated; raises StartError if a newer release wrote the database."""
    revision, known = current(connection), known_revisions()
    if revision is not None and revision not in known:
        raise StartError(
            f"The database has schema revision {revision} and this release knows up to {known[-1]}: it was written "
            "by a newer release. Install that one."
        )
    return revision == known[-1]


def is_known(connection: Connection) -> bool:
    """Tell whether a release up to this one made the database; raises StartError if a newer one did."""
    if current(connection) is not None:
        is_current(connection)
        return True
    return inspect(connection).has_table(meta.name) and inspect(connection).has_table(speakers.name)


def migrate(connection: Connection) -> None:
    """Bring the schema up to date; the caller's transaction must keep other services out."""
    if is_current(connection):
        return
    if current(connection) is None and inspect(connection).has_table(meta.name):
        _adopt(connection)
    upgrade(connection)
    version = meta.c.key == "schema_version"
    if connection.execute(update(meta).where(version).values(value=_SINCE_ALEMBIC)).rowcount == 0:
        connection.execute(meta.insert(), {"key": "schema_version", "value": _SINCE_ALEMBIC})


def _adopt(connection: Connection) -> None:
    """Take over a database of the release that counted its schema versions itself."""
    version = connection.scalar(select(meta.c.value).where(meta.c.key == "schema_version"))
    if version != _COUNTED:
        raise StartError(
            f"The database has schema version {version}, which no release is known to have written; restore it "
            "from a backup."
        )
    stamp(connection, known_revisions()[0])


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
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
