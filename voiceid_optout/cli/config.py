"""``optout config``: the values and secrets in a stack file, with and without the Pulumi CLI."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.context import require_shell
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.known import StateSealedError, raw_state
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo, reported
from voiceid_optout.files import read_json
from voiceid_optout.state import project as projects
from voiceid_optout.state.stack_file import Sealed, change_config
from voiceid_optout.state.trust import salt_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.cli.context import Context
    from voiceid_optout.state.passphrase import Crypter


_HIDDEN = "[secret]"
_show_option = click.option("--show-secrets", is_flag=True, help="Print secrets in clear; it needs the passphrase.")


@click.group(name="config")
def command() -> None:
    """Read and change the values in a stack file, Pulumi.<stack>.yaml.

    Secrets are sealed with the stack's passphrase in Pulumi's own form. The Pulumi CLI reads what this writes, and
    this reads what the CLI writes. Every other line of the file stays as it is. A key without a namespace belongs
    to the project.

    \b
    Example
      $ optout config set quotas '{"optOut": 5}' --stack production
      $ optout config set --secret labelKey --random --stack production
      $ optout config list --stack production

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """  # noqa: D301 - click's own mark for "do not wrap"


@command.command(name="set")
@with_options(*stack_options)
@click.argument("key")
@click.argument("value", required=False)
@click.option("--secret", is_flag=True, help="Seal it with the passphrase; the value comes from standard input.")
@click.option("--random", "is_random", is_flag=True, help="With --secret: 64 random hexadecimal digits.")
def set_value(key: str, value: str | None, *, secret: bool, is_random: bool, **choices: Any) -> None:
    """Set a value. A secret value is read from standard input, because arguments stay in the shell's history.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    if secret and value is not None:
        raise click.UsageError("a secret is read from standard input, not from an argument: leave the value out")
    if is_random and not secret:
        raise click.UsageError("--random makes a secret: pass --secret too")
    if not secret and value is None:
        raise click.UsageError("the value is missing; one that is secret comes from standard input, with --secret")
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        name = full_key(context, key)
        text = value if value is not None else new_key() if is_random else _secret(name)
        store(context, {name: text}, secret=frozenset({name}) if secret else frozenset())
        echo(f"Set {name} in {context.settings.path.name}.")


@command.command(name="get")
@with_options(*stack_options)
@click.argument("key")
@_show_option
def get(key: str, *, show_secrets: bool, **choices: Any) -> None:
    """Print a value. A secret is printed with --show-secrets only.

    Exit codes: 0 done, 1 failed or not set, 2 wrong usage.
    """
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        name = full_key(context, key)
        if name not in context.settings.config:
            raise CommandError(f"{context.settings.path.name} has no {name}")
        values, secret = _values(context, show_secrets=show_secrets)
        if name in secret and not show_secrets:
            raise CommandError(f"{name} is a secret: pass --show-secrets to print it", ExitCode.USAGE)
        echo(values[name])


@command.command(name="list")
@with_options(*stack_options)
@_show_option
def list_values(*, show_secrets: bool, **choices: Any) -> None:
    """List all values of the stack file, by their keys. Secrets are hidden unless --show-secrets is given.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        values, secret = _values(context, show_secrets=show_secrets)
        width = max((len(name) for name in values), default=0)
        for name in sorted(values):
            echo(f"{name:<{width}}  {values[name] if show_secrets or name not in secret else _HIDDEN}")


def _values(context: Context, *, show_secrets: bool) -> tuple[dict[str, str], frozenset[str]]:
    """Return the values as texts and which of them are secret; those are opened only to be shown."""
    hidden = projects.resolve(context.settings, lambda _: _HIDDEN)
    if not (show_secrets and hidden.secret_keys):
        return dict(hidden.values), hidden.secret_keys
    shown = context.unsealed({})
    return dict(shown.values), shown.secret_keys


def _secret(name: str) -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        return str(click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True))
    text = (sys.stdin.read() if sys.stdin else "").removesuffix("\n").removesuffix("\r")
    if not text:
        raise CommandError(f"no value for {name} came on standard input", ExitCode.USAGE)
    return text


_KEY_BYTES = 32


def new_key() -> str:
    """Return a random key: 64 hexadecimal digits."""
    return secrets.token_hex(_KEY_BYTES)


def full_key(context: Context, key: str) -> str:
    """Return a key with its namespace: without one it is the project's, as the CLI has it."""
    return key if ":" in key else f"{context.project.name}:{key}"


def crypter_of(context: Context) -> Crypter:
    """Return what seals the stack's secrets; a stack that has none yet gets a salt, which is stored in its file.

    Raises :class:`CommandError` for a sandbox, and :class:`voiceid_optout.state.StackError` where the
    passphrase is missing or wrong.
    """
    if context.is_sandbox:
        raise CommandError(
            f"{context.settings.path.name} is a sandbox, whose passphrase is public: a secret of it would be none",
            ExitCode.USAGE,
        )
    from voiceid_optout.state import passphrase  # noqa: PLC0415 - not for --help

    require_shell(context)
    phrase = passphrase.find(context.environment)
    salt = context.settings.salt or salt_of_state(context)
    crypter = passphrase.open_with(phrase, salt) if salt else passphrase.create(phrase)
    if context.settings.salt is None:
        projects.store_salt(context.settings, crypter.salt_text)
    return crypter


def salt_of_state(context: Context) -> str | None:
    """Return the salt that the state was sealed with: the file may have lost its own."""
    try:
        return salt_of(read_json(raw_state(context, context.environment) or b"{}"))
    except (StateSealedError, ValueError, RecursionError):
        return None


def store(context: Context, values: Mapping[str, str | None], *, secret: frozenset[str] = frozenset()) -> None:
    """Set values, or remove those that are None, in one write; those named in ``secret`` are sealed.

    Keys are full ones. Raises what :func:`crypter_of` raises, and
    :class:`voiceid_optout.state.ProjectError` for a file that cannot be changed.
    """
    crypter = crypter_of(context) if secret else None
    change_config(
        context.settings.path,
        {
            key: Sealed(crypter.encrypt(value)) if crypter and value is not None and key in secret else value
            for key, value in values.items()
        },
        context.project.name,
    )
