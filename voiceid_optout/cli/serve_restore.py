"""``optout serve restore``: put a backup in the place of the service's database."""

from __future__ import annotations

from pathlib import Path

import click

from voiceid_optout.cli.serve_options import (
    data_option,
    database_option,
    refusals,
    replace_option,
    warn_of_password,
)
from voiceid_optout.cli.streams import result


@click.command(name="restore", short_help="Replace the database with a backup; no service may run.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
@database_option
@replace_option
@click.pass_context
def command(ctx: click.Context, file: Path, data: Path, database: str | None, *, replace: bool) -> None:
    """Make the backup FILE the service's database.

    The backup is checked first, and the database is replaced in one step or not at all. An existing database is
    replaced only with --replace. An existing SQLite file is kept under another name, which is printed. Opt-outs
    that came after the backup are missing, so run `optout drift` against the register afterwards.

    \b
    Example
      $ optout serve restore --data /var/lib/voiceid backup.db --replace
      Restored backup.db. The former database is /var/lib/voiceid/voiceid.db.before-restore-20260201T080000Z.

    Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 8 a service is using the data.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.service.db import backup  # noqa: PLC0415 - not for --help

    former = None
    with refusals("optout serve restore"):
        warn_of_password(ctx, database)
        if database is not None:
            backup.restore_postgres(file, database, replace=replace)
        else:
            former = backup.restore(file, data, replace=replace)
    result(f"Restored {file}." + (f" The former database is {former}." if former else ""))
