"""``optout keys``: the key that signs a stack's reports, and the public keys by which they are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.config import full_key, new_key, store
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.labels import refuse_runner
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo, reported
from voiceid_optout.config import read as read_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceid_optout.cli.context import Context
    from voiceid_optout.evidence import Signature

REPORT_KEY, REPORT_PUBLIC_KEYS = "reportKey", "reportPublicKeys"


@click.group(name="keys")
def command() -> None:
    """The key that signs a stack's reports. The private key is a secret of the stack file, the public one is not.

    \b
    Example: sign the reports from now on, and tell others by which key
      $ optout keys new --stack production
      $ optout keys show --stack production

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """  # noqa: D301 - click's own mark for "do not wrap"


@command.command(name="new")
@with_options(*stack_options)
def new_command(**choices: Any) -> None:
    """Make the key of a stack that has none. Reports are signed from then on.

    The file then has the private key, sealed with the passphrase, and the public key in clear. Commit it.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        if context.config.has_report_key:
            raise CommandError(
                f"{context.settings.path.name} has a {REPORT_KEY} already: optout keys rotate --stack "
                f"{context.stack} makes another one",
                ExitCode.USAGE,
            )
        echo(_change(context, "keys new"))


@command.command(name="show")
@with_options(*stack_options)
def show_command(**choices: Any) -> None:
    """Print the public keys: the present one first, then those of earlier reports. It needs no passphrase.

    Give them to whoever checks reports without this repository, on a way that nobody can change.

    Exit codes: 0 done, 1 failed or no key, 2 wrong usage.
    """
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        keys = context.config.report_public_keys
        if not keys:
            raise CommandError(f"{context.settings.path.name} has no {REPORT_PUBLIC_KEYS}: type {_new(context)}")
        for number, key in enumerate(keys):
            is_present = number == 0 and context.config.has_report_key
            echo(f"{key}  {'present' if is_present else 'earlier'}")


@command.command(name="rotate")
@with_options(*stack_options)
def rotate_command(**choices: Any) -> None:
    """Replace the key, because somebody saw it or because it is time. Earlier reports are still verified.

    If somebody saw the old key, they can sign whatever they like with it: take its public key out of
    reportPublicKeys too, and keep the roots of the reports of before.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        if not context.config.has_report_key:
            raise CommandError(
                f"{context.settings.path.name} has no {REPORT_KEY} to replace: type {_new(context)}", ExitCode.USAGE
            )
        echo(_change(context, "keys rotate"))


def _new(context: Context) -> str:
    return f"optout keys new --stack {context.stack}"


def _change(context: Context, words: str) -> str:
    """Put a new key into the stack file, its public key before the earlier ones; returns what to say."""
    from voiceid_optout.evidence import signing  # noqa: PLC0415 - not for --help

    refuse_runner(context, words)
    private = new_key()
    public = signing.public_key(private)
    secret = full_key(context, REPORT_KEY)
    keys = " ".join((public, *context.config.report_public_keys))
    store(context, {secret: private, full_key(context, REPORT_PUBLIC_KEYS): keys}, secret=frozenset({secret}))
    name = context.settings.path.name
    return f"Reports of stack {context.stack} are signed from now on; the public key is\n{public}\nCommit {name}."


def signer(context: Context, environment: Mapping[str, str]) -> Callable[[bytes], Signature] | None:
    """Return what signs a root with the stack's key, or None for a stack without one.

    ``environment`` goes over the context's own. Raises :class:`CommandError` where the file's two keys are no
    pair, so that nobody gets a report which nobody could verify.
    """
    config = context.config
    if not config.has_report_key:
        return None
    if config.sealed:
        config = read_config(context.unsealed(environment).values, context.project.name)
    from voiceid_optout.evidence import EvidenceError, signing  # noqa: PLC0415 - not for --help

    name, private = context.settings.path.name, config.report_key or ""
    try:
        public = signing.public_key(private)
    except EvidenceError as error:
        raise CommandError(f"{name}: {REPORT_KEY}: {error}", ExitCode.USAGE) from None
    if config.report_public_keys[:1] != (public,):
        raise CommandError(
            f"{name}: {REPORT_PUBLIC_KEYS} does not begin with the public key of {REPORT_KEY}, so nobody could "
            f"verify what it signs: restore the file from Git, or type optout keys rotate --stack {context.stack}",
            ExitCode.USAGE,
        )
    return lambda root: signing.sign(private, root)
