"""``optout serve backup``: copy the service's database while it runs."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from voiceid_optout.cli.serve_options import (
    data_option,
    database_option,
    refusals,
    replace_option,
    warn_of_password,
)
from voiceid_optout.cli.streams import result


@click.command(name="backup", short_help="Copy the database to a file, while the service runs.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@data_option
@database_option
@replace_option
@click.pass_context
def command(ctx: click.Context, file: Path, data: Path, database: str | None, *, replace: bool) -> None:
    """Copy the service's database to FILE. The service may run, and the copy does not delay it.

    The copy is one consistent state in one file, checked and on disk. Only you can read it, because it contains
    the ids of the people who opted out, and the keys of `optout serve keys` with the secrets that are not
    references. For PostgreSQL, pg_dump makes the copy and must be on PATH.

    \b
    Example: every night, under the day's name.
      $ optout serve backup --data /var/lib/voiceid backup-2026-01-31.db
      Backup backup-2026-01-31.db: 12.3 MB, checked.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.service.db import backup  # noqa: PLC0415 - not for --help

    with refusals("optout serve backup"):
        warn_of_password(ctx, database)
        if database is not None:
            size = backup.back_up_postgres(database, file, replace=replace)
        else:
            with ExitStack() as stack:
                bars: list[Any] = []

                def progress(done: int, total: int) -> None:
                    if not bars:  # only now, because a refusal comes before the first page
                        shown = click.progressbar(length=total, label="Copying", file=sys.stderr)
                        bars.append(stack.enter_context(shown))
                    bars[0].update(done - bars[0].pos)

                size = backup.back_up(data, file, replace=replace, progress=progress)
    result(f"Backup {file}: {size / 1e6:.1f} MB, checked.")
