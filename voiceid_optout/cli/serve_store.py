"""``optout serve keys``, ``backup`` and ``restore``: the service's access keys and its database."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.exit_codes import CommandError
from voiceid_optout.cli.options import with_options
from voiceid_optout.cli.output import echo, reported, require_written, result
from voiceid_optout.cli.serve import data_option, database_option, refusals, replace_option, warn_of_password
from voiceid_optout.cli.serve_production import secret_source
from voiceid_optout.service import data_folder
from voiceid_optout.service.data_folder import CREDENTIALS_NAME, read_credentials
from voiceid_optout.service.settings import Kind, SecretSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from voiceid_optout.service.auth.keys import KeyRow


_store_options = with_options(data_option, database_option)
_file_options = with_options(
    click.argument("file", type=click.Path(path_type=Path, dir_okay=False)),
    data_option,
    database_option,
    replace_option,
)


@click.group(name="keys")
def keys_command() -> None:
    """Manage the access keys that the service accepts. A running service notices changes within a second or two.

    \b
    Roles
      read        Describe*, List*, EvaluateSession
      reconcile   read, and OptOutSpeaker; with --may-release DeleteSpeaker too
      admin       everything

    \b
    Example: a key for the nightly reconciler, and its end
      $ optout serve keys add --role reconcile --name nightly --output ~/.aws/credentials
      $ optout serve keys list
      $ optout serve keys revoke OPTOABCDEFGHIJKLMNOP

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """  # noqa: D301 - click's own mark for "do not wrap"


@keys_command.command(name="add")
@_store_options
@click.option("--role", type=click.Choice(["read", "reconcile", "admin"]), required=True, help="What it may do.")
@click.option(
    "--may-release", is_flag=True, help="With the role reconcile: DeleteSpeaker too, which undoes an opt-out."
)
@click.option("--name", default="optout", show_default=True, help="For whom it is: letters, digits, . _ -")
@click.option(
    "--key-id", metavar="ID", help="Its access key id: 16 to 128 capitals and digits.  [default: a new one]"
)
@click.option(
    "--secret",
    metavar="REFERENCE",
    help="Where the secret is, wherever the service runs: env:NAME or file:PATH.  [default: a new one, stored]",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Add the key to this file, which only you can read (mode 0600), instead of printing it.",
)
def add(
    data: Path,
    database: str | None,
    role: str,
    name: str,
    key_id: str | None,
    secret: str | None,
    output: Path | None,
    *,
    may_release: bool,
) -> None:
    """Add a key and print it in the form of ~/.aws/credentials, or put it into the file of --output. Its secret is
    shown only this once.

    With --secret the database keeps only the reference, and no secret is shown. A secret manager puts the secret
    there for the service, and gives it to the client. A file's new content takes effect within a second or two.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    from voiceid_optout.service.auth import keys  # noqa: PLC0415
    from voiceid_optout.service.auth.keys import Role  # noqa: PLC0415

    if output is not None and secret is not None:
        raise click.UsageError("--output is for a new secret; --secret says where one is already")
    if may_release and role != Role.RECONCILE:
        raise click.UsageError("--may-release belongs to the role reconcile; admin may release anyway")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise click.UsageError("--name: 1 to 64 letters, digits, dots, underscores and hyphens")
    if key_id is not None and not re.fullmatch(r"[A-Z0-9]{16,128}", key_id):
        raise click.UsageError("--key-id: 16 to 128 capitals and digits, as in AWS")
    reference = secret_source(secret, "--secret") if secret is not None else None
    source = reference or SecretSource(Kind.STORED, data_folder.new_secret())
    key = keys.KeyRow(
        access_key_id=key_id or data_folder.new_key_id(),
        name=name,
        role=Role(role),
        source=source,
        created_at=round(time.time(), 3),
        may_release=may_release,
    )
    section = data_folder.credentials_section(name, key.access_key_id, source.text)
    with _store(data, database) as connection:
        keys.add(connection, key)
        # Before the key counts: a secret that reached nobody could not be shown again.
        if output is not None:
            data_folder.append_credentials(output, name, section)
        else:
            click.echo(section if reference is None else f"{key.access_key_id}\n", nl=False)  # noqa: TID251 - to the letter
            require_written()
    if reference is not None:
        echo(f"Added a key with the role {role}; its secret is taken from {source.described}.", err=True)
    elif output is not None:
        echo(f"Added a key with the role {role}: section [{name}] of {output}.", err=True)
    else:
        echo(f"Added a key with the role {role}. Keep the secret: it is not shown again.", err=True)


@keys_command.command(name="list")
@_store_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON, a list of objects.")
def list_keys(data: Path, database: str | None, *, as_json: bool) -> None:
    """List the keys, including revoked ones, without secrets.

    Exit codes: 0 done, 1 failed.
    """
    from voiceid_optout.service.auth import keys  # noqa: PLC0415 - not for --help

    with _store(data, database) as connection:
        rows = [_shown(key) for key in keys.read_rows(connection)]
        rows = [*_local(data, {row["key"] for row in rows}), *rows]
    if as_json:
        echo(json.dumps(rows, indent=2))
        return
    titles = ("key", "name", "role", "secret", "added", "revoked")
    table = [titles, *(tuple(row[title] or "-" for title in titles) for row in rows)]
    widths = [max(len(line[place]) for line in table) for place in range(len(titles))]
    for line in table:
        echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


@keys_command.command(name="revoke")
@_store_options
@click.argument("key_id", metavar="KEY")
def revoke(data: Path, database: str | None, key_id: str) -> None:
    """Revoke the key with this access key id for ever. A second or two later, requests signed with it are refused.

    Exit codes: 0 done, or revoked before; 1 no such key, or failed.
    """
    from voiceid_optout.service.auth import keys  # noqa: PLC0415 - not for --help

    with _store(data, database) as connection:
        if key_id in _local_ids(data) and not any(
            key.access_key_id == key_id for key in keys.read_rows(connection)
        ):
            # A mark in the store, because the file is also the client's.
            keys.add(connection, _revoked_local(key_id))
            changed = True
        else:
            try:
                changed = keys.revoke(connection, key_id, round(time.time(), 3))
            except KeyError:
                raise CommandError(f"there is no key {key_id}; `optout serve keys list` shows all") from None
    result(f"Revoked {key_id}." if changed else f"{key_id} was revoked before.")


@contextmanager
def _store(data: Path, database: str | None) -> Iterator[Connection]:
    """Give a connection inside a transaction; the database is made if it is missing."""
    from voiceid_optout.service.auth.keys import KeyExistsError  # noqa: PLC0415
    from voiceid_optout.service.db.database import open_database  # noqa: PLC0415

    os.umask(0o077)  # the database holds secrets
    context = click.get_current_context()
    with reported(), refusals(context.command_path):
        warn_of_password(context, database)
        data_folder.prepare(data)
        opened = open_database(data, database)
        try:
            with opened.writer.begin() as connection:
                yield connection
        except KeyExistsError as error:
            raise CommandError(str(error)) from error
        finally:
            opened.close()


def _shown(key: KeyRow) -> dict[str, Any]:
    role = f"{key.role}+release" if key.may_release else str(key.role)
    return {
        "key": key.access_key_id,
        "name": key.name,
        "role": role,
        "secret": key.source.described,
        "added": _moment(key.created_at),
        "revoked": _moment(key.revoked_at) if key.revoked_at is not None else None,
    }


def _local_ids(data: Path) -> list[str]:

    path = data / CREDENTIALS_NAME
    return list(read_credentials(path)) if path.exists() else []


def _local(data: Path, stored: set[str]) -> list[dict[str, Any]]:
    """Return the keys of the data folder's own file, unless the store says something else about them."""
    return [
        {
            "key": key,
            "name": "-",
            "role": "admin",
            "secret": "in the file credentials",
            "added": "-",
            "revoked": None,
        }
        for key in _local_ids(data)
        if key not in stored
    ]


def _revoked_local(key_id: str) -> KeyRow:
    from voiceid_optout.service.auth.keys import KeyRow, Role  # noqa: PLC0415 - not for --help

    now = round(time.time(), 3)
    return KeyRow(key_id, "credentials", Role.ADMIN, SecretSource(Kind.NONE), now, revoked_at=now)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@click.command(name="backup")
@_file_options
@click.pass_context
def backup_command(ctx: click.Context, file: Path, data: Path, database: str | None, *, replace: bool) -> None:
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


@click.command(name="restore")
@_file_options
@click.pass_context
def restore_command(ctx: click.Context, file: Path, data: Path, database: str | None, *, replace: bool) -> None:
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
