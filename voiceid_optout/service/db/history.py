"""Where a database stands in the schema's history, and bringing it to this release's."""

from sqlalchemy import Connection, inspect, select, text, update

from voiceid_optout.service.db import migrations
from voiceid_optout.service.db.schema import meta, speakers
from voiceid_optout.service.errors import StartError

_REVISION_TABLE = "alembic_version"
_COUNTED = "1"
_SINCE_ALEMBIC = "2"
"""What ``meta`` keeps as schema version since Alembic counts: releases from before refuse it by this number."""


def current(connection: Connection) -> str | None:
    """Return the database's revision, or None if it has none: it is empty, or of a release before Alembic."""
    if not inspect(connection).has_table(_REVISION_TABLE):
        return None
    revision: str | None = connection.scalar(text(f"SELECT version_num FROM {_REVISION_TABLE}"))  # noqa: S608
    return revision


def is_current(connection: Connection) -> bool:
    """Tell whether nothing is to be migrated; raises StartError if a newer release wrote the database."""
    revision, known = current(connection), migrations.known_revisions()
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
    migrations.upgrade(connection)
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
    migrations.stamp(connection, migrations.known_revisions()[0])
