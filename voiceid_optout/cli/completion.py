"""``optout completion``: what a shell needs to complete commands, options, stacks and labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, get_completion_class

from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.cli.context import Context

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_OPTOUT_COMPLETE"
MOST_BYTES = 1_000_000  # of a register that is read between two keystrokes; it has some 20,000 people


@click.command(name="completion", short_help="Print a script that completes commands in your shell.")
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
def command(shell: str | None) -> None:
    """Print the script with which bash, zsh or fish completes commands, options, stacks and labels.

    Without a name, this is the script for the shell in SHELL.

    Labels come from the register, from at most a megabyte of it. If their key is a secret, the passphrase must be
    in the environment; the script does not ask for it. Identifiers are never completed.

    \b
    Example
      $ eval "$(optout completion bash)"                                        # in ~/.bashrc
      $ eval "$(optout completion zsh)"                                         # in ~/.zshrc
      $ optout completion fish > ~/.config/fish/completions/optout.fish

    Exit codes: 0 done, 2 wrong usage.
    """  # noqa: D301 - click's own mark for "do not wrap"
    with reported():
        name = shell or Path(os.environ.get("SHELL", "")).name
        found = get_completion_class(name) if name in _SHELLS else None
        if found is None:
            raise CommandError(f"say for which shell: {', '.join(_SHELLS)}", ExitCode.USAGE)
        root = click.get_current_context().find_root().command
        script = found(root, {}, "optout", _VARIABLE)
        click.echo(script.source_template % script.source_vars())  # noqa: TID251 - for the shell, to the letter


def stacks(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the stacks of the project, by their files."""
    names = sorted(path.name[7:-5] for path in _root(ctx).glob("Pulumi.?*.yaml"))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def labels(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the labels of the register's people, each with its line; nothing where that is not known at once."""
    from voiceid_optout.cli import context as contexts  # noqa: PLC0415 - takes a while, and few complete labels

    try:
        stack = ctx.params.get("stack") or os.environ.get("PULUMI_STACK") or "local"
        places = _places(contexts.find(_root(ctx), stack))
    except Exception:  # noqa: BLE001 - whatever is wrong, the command says it; a shell that completes says nothing
        return []
    return [CompletionItem(label, help=place) for label, place in places.items() if label.startswith(incomplete)]


def _places(context: Context) -> Mapping[str, str]:
    from voiceid_optout.cli import context as contexts  # noqa: PLC0415 - as above
    from voiceid_optout.forge.identifiers import Matcher  # noqa: PLC0415
    from voiceid_optout.register.sources import discover  # noqa: PLC0415
    from voiceid_optout.voiceid.place import PASSPHRASE, SANDBOX_PASSPHRASE  # noqa: PLC0415

    sources, _ = discover(context.register_folder)
    if sum(source.path.stat().st_size for source in sources) > MOST_BYTES:
        return {}
    sandbox = {PASSPHRASE: SANDBOX_PASSPHRASE} if context.is_sandbox else {}
    found = contexts.People.of(context.register, contexts.label_keys(context, sandbox)).places
    # A file may be named after somebody.
    masked = Matcher({entry.speaker_id: "" for entry in context.register.entries}).masked
    return {label: masked(place) for label, place in sorted(found.items(), key=lambda item: item[1])}


def _root(ctx: click.Context) -> Path:
    return ctx.params.get("root") or Path()
