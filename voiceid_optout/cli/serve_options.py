"""What the commands of ``optout serve`` share: where the data is, and how a refusal ends."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from click.core import ParameterSource

from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.output import echo

if TYPE_CHECKING:
    from collections.abc import Iterator

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".optout/service"),
    show_default=True,
    help="Folder of the database and the access keys; made if missing, private to you.",
)
database_option = click.option(
    "--database",
    metavar="URL",
    envvar="OPTOUT_DATABASE",
    help="PostgreSQL database, which several services may share: postgresql://user@host/name, or file:PATH or "
    "env:NAME where that is kept. Without it a SQLite file in the data folder. Also by OPTOUT_DATABASE.",
)
replace_option = click.option("--replace", is_flag=True, help="Replace what is there.")

SERVICE_PACKAGES = ("alembic", "prometheus_client", "regex", "sqlalchemy", "starlette", "uvicorn")
"""What the extra `service` brings on every platform, by the names under which it is imported."""


def require_service() -> None:
    """Raise :class:`CommandError` unless the extra `service` is installed. Imports nothing."""
    missing = [name for name in SERVICE_PACKAGES if find_spec(name) is None]
    if missing:
        raise CommandError(
            f"the service needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed; "
            "run: pip install 'voiceid-optout[service]'",
            ExitCode.USAGE,
        )


@contextmanager
def refusals(command: str) -> Iterator[None]:
    """End the process with one clear line, and the exit code that fits, if the service's package refuses."""
    from voiceid_optout.service.errors import DataLockedError, StartError  # noqa: PLC0415 - not for --help

    try:
        yield
    except DataLockedError as error:
        _fail(command, error, ExitCode.LOCKED)
    except StartError as error:
        _fail(command, error, ExitCode.FAILED)


def warn_of_password(ctx: click.Context, database: str | None) -> None:
    """Say that a password on the command line is no secret."""
    if database is None or ctx.get_parameter_source("database") is not ParameterSource.COMMANDLINE:
        return
    from voiceid_optout.service.db.postgres import has_password  # noqa: PLC0415 - not for --help

    if has_password(database):
        echo(
            f"{ctx.command_path}: every user of this machine can read the password in --database; keep the URL in "
            "a file and give file:PATH, or set OPTOUT_DATABASE.",
            err=True,
        )


def _fail(command: str, error: Exception, code: ExitCode) -> NoReturn:
    echo(f"{command}: {error}", err=True)
    raise SystemExit(code)
