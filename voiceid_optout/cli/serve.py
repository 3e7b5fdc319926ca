"""``optout serve``: run the Voice ID-compatible service, and what the commands below it share."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from voiceid_optout.cli.connection import require_service
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import LazyGroup
from voiceid_optout.cli.output import echo
from voiceid_optout.cli.serve_production import production_options, production_settings
from voiceid_optout.memory import no_collection
from voiceid_optout.service.errors import DataLockedError, StartError
from voiceid_optout.service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voiceid_optout.service.data_folder import Running


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

SUBCOMMANDS = {
    "keys": ("serve_store:keys_command", "Add, list and revoke access keys."),
    "backup": (
        "serve_store:backup_command",
        "Copy the database to a file, while the service runs.",
    ),
    "restore": (
        "serve_store:restore_command",
        "Replace the database with a backup; no service may run.",
    ),
}

_HELP = """Run the Voice ID-compatible service until Ctrl-C.

AWS SDKs and the AWS CLI work with it unchanged when you point them at it. Data and access keys are in the data
folder. If a call was answered with success, its change is on disk.

\b
Example: a sandbox with one domain, and a person who opts out.
  optout serve --domain UcUuCPFOsAjzg9xoByUatN=sandbox
  (in a second terminal, after pasting the three export lines it prints)
  aws voice-id opt-out-speaker \\
      --domain-id UcUuCPFOsAjzg9xoByUatN --speaker-id caller-000017

Exit codes: 0 stopped, 1 cannot start, 2 wrong usage, 8 another service uses the data.
"""


@click.group(
    name="serve",
    cls=LazyGroup,
    lazy=SUBCOMMANDS,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND]",
    help=_HELP,
)
@data_option
@database_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; one that other machines reach needs TLS.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8099, show_default=True, help="0 takes any free port."
)
@click.option("--region", default="us-east-1", show_default=True, help="Region that clients sign for.")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="ID[=NAME]",
    help="Create this domain if it is missing, under this id. Repeatable; for sandboxes.",
)
@click.option(
    "--admin-port",
    type=click.IntRange(0, 65535),
    help="Also listen on this port for health, readiness and metrics. 0 takes any free port.",
)
@click.option(
    "--objects",
    metavar="DIR|s3|URL",
    help="Where batch jobs find their s3:// files: a folder that holds one folder a bucket, 's3' for Amazon S3, or "
    "the URL of another service that speaks S3. Without it no job can be started.",
)
@production_options
@click.option("--stop-with-stdin", is_flag=True, help="End when standard input closes: for a parent process.")
@click.pass_context
def command(
    ctx: click.Context,
    /,
    data: Path,
    database: str | None,
    host: str,
    port: int,
    region: str,
    domains: tuple[str, ...],
    admin_port: int | None,
    objects: str | None,
    *,
    stop_with_stdin: bool,
    **production: Any,
) -> None:
    require_service()
    if ctx.invoked_subcommand is not None:
        _refuse_options(ctx, ctx.invoked_subcommand)
        return
    # Imported here: web server and database take a quarter of a second that other commands need not pay.
    with no_collection():
        from voiceid_optout.service.process import configure, run  # noqa: PLC0415

    def ready(running: Running) -> None:
        admin = f" · admin {running.admin_url}" if running.admin_url else ""
        keys = running.credentials_file or "only those of `optout serve keys`"
        echo(f"Ready at {running.url}{admin} · data {data} · keys {keys} · point a client here:")
        for name, value in running.environment().items():
            echo(f"  export {name}={shlex.quote(value)}")
        sys.stdout.flush()

    settings = Settings(
        data=data,
        database=database,
        host=host,
        port=port,
        objects=objects,
        domains=tuple(_domain(text) for text in domains),
        **production_settings(production, region, admin_port, (host, port)),
    )
    configure(production["log_format"])
    with refusals("optout serve"):
        warn_of_password(ctx, database)
        run(settings, ready, stop_with_stdin=stop_with_stdin)


def _refuse_options(ctx: click.Context, subcommand: str) -> None:
    """Refuse the service's own options before another command, which would not see them."""
    for parameter in ctx.command.params:
        if ctx.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} goes behind the command: optout serve {subcommand} ...")


def _domain(text: str) -> tuple[str, str]:
    domain_id, _, name = text.partition("=")
    return domain_id, name or "sandbox"


@contextmanager
def refusals(command: str) -> Iterator[None]:
    """End the process with one clear line, and the exit code that fits, if the service's package refuses."""
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
