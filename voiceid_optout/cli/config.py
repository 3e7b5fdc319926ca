"""``optout config``: the values and secrets in a stack's file, with and without the Pulumi CLI."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo

if TYPE_CHECKING:
    from voiceid_optout.cli.context import Context

_HIDDEN = "[secret]"
_show_option = click.option("--show-secrets", is_flag=True, help="Print secrets in clear; it needs the passphrase.")


@click.group(name="config", short_help="Read and change a stack's file, including secrets.")
def command() -> None:
    """Read and change the values in a stack's file, Pulumi.<stack>.yaml.

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
    from voiceid_optout.cli import stack_values  # noqa: PLC0415 - not for --help
    from voiceid_optout.cli.label_keys import new_key  # noqa: PLC0415

    if secret and value is not None:
        raise click.UsageError("a secret is read from standard input, not from an argument: leave the value out")
    if is_random and not secret:
        raise click.UsageError("--random makes a secret: pass --secret too")
    if not secret and value is None:
        raise click.UsageError("the value is missing; one that is secret comes from standard input, with --secret")
    with reported():
        context = _context(choices)
        name = stack_values.full_key(context, key)
        text = value if value is not None else new_key() if is_random else _secret(name)
        stack_values.store(context, {name: text}, secret=frozenset({name}) if secret else frozenset())
        echo(f"Set {name} in {context.settings.path.name}.")


@command.command(name="get")
@with_options(*stack_options)
@click.argument("key")
@_show_option
def get(key: str, *, show_secrets: bool, **choices: Any) -> None:
    """Print a value. A secret is printed with --show-secrets only.

    Exit codes: 0 done, 1 failed or not set, 2 wrong usage.
    """
    from voiceid_optout.cli.stack_values import full_key  # noqa: PLC0415 - not for --help

    with reported():
        context = _context(choices)
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
    """List all values of the stack's file, by their keys. Secrets are hidden unless --show-secrets is given.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    with reported():
        context = _context(choices)
        values, secret = _values(context, show_secrets=show_secrets)
        width = max((len(name) for name in values), default=0)
        for name in sorted(values):
            echo(f"{name:<{width}}  {values[name] if show_secrets or name not in secret else _HIDDEN}")


def _context(choices: dict[str, Any]) -> Context:
    from voiceid_optout.cli import context as contexts  # noqa: PLC0415 - not for --help

    return contexts.find(choices["root"], choices["stack"])


def _values(context: Context, *, show_secrets: bool) -> tuple[dict[str, str], frozenset[str]]:
    """Return the values as texts and which of them are secret; those are opened only to be shown."""
    from voiceid_optout.state import passphrase  # noqa: PLC0415
    from voiceid_optout.state import project as projects  # noqa: PLC0415 - not for --help
    from voiceid_optout.voiceid.place import PASSPHRASE, SANDBOX_PASSPHRASE  # noqa: PLC0415

    hidden = projects.resolve(context.settings, lambda _: _HIDDEN)
    if not (show_secrets and hidden.secret_keys):
        return dict(hidden.values), hidden.secret_keys
    if context.settings.salt is None:
        raise CommandError(f"{context.settings.path.name} has secrets but no encryptionsalt: restore it from Git")
    sandbox = {PASSPHRASE: SANDBOX_PASSPHRASE} if context.is_sandbox else {}
    phrase = passphrase.find({**context.environment, **sandbox})
    shown = projects.resolve(context.settings, passphrase.open_with(phrase, context.settings.salt).decrypt)
    return dict(shown.values), shown.secret_keys


def _secret(name: str) -> str:
    if sys.stdin is not None and sys.stdin.isatty():
        return str(click.prompt(f"Value of {name}", hide_input=True, confirmation_prompt=True, err=True))
    text = (sys.stdin.read() if sys.stdin else "").removesuffix("\n").removesuffix("\r")
    if not text:
        raise CommandError(f"no value for {name} came on standard input", ExitCode.USAGE)
    return text
