"""``optout env`` and ``optout completion``: what a shell needs to know."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.connection import make_private, sandbox_environment, serve_arguments
from voiceid_optout.cli.context import require_shell
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import reported
from voiceid_optout.forge.identifiers import Matcher
from voiceid_optout.register.sources import discover
from voiceid_optout.service.data_folder import find
from voiceid_optout.state.backend import Backend
from voiceid_optout.voiceid.place import EXPORTED_FOR, PYTHON_COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.cli.context import Context


@click.command(name="env")
@with_options(*stack_options)
def env_command(**choices: Any) -> None:
    """Print the variables with which the raw `pulumi` and `aws` commands see what `optout` sees.

    For a stack with its own service (the sandbox) the service must be running. If it is not, this command prints
    the line that starts it; type that line in another terminal.

    The variables are for this stack only. OPTOUT_ENV_FOR names it, and they are refused with another stack.

    \b
    Example
      $ eval "$(optout env)"
      $ pulumi preview

    Exit codes: 0 done, 1 failed, 2 file or shell contradict the stack.
    """  # noqa: D301 - click's own mark for "do not wrap"
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        for name, value in variables(context).items():
            click.echo(f"export {name}={shlex.quote(value)}")  # noqa: TID251 - for the shell, to the letter
        # The raw CLI asks for `stack init` where there is no state yet; in a folder the stack file is enough.
        if not context.remote_backend:
            Backend(context.backend(), context.project.name, context.stack).initialise()


def variables(context: Context) -> dict[str, str]:
    """Return the variables by name."""
    require_shell(context)
    url = context.remote_backend or context.backend().resolve().as_uri()
    result = {EXPORTED_FOR: context.place.full_name, "PULUMI_STACK": context.stack, "PULUMI_BACKEND_URL": url}
    result[PYTHON_COMMAND] = context.environment.get(PYTHON_COMMAND) or sys.executable
    make_private(context.data_folder)
    if not context.remote_backend:
        make_private(context.backend())  # the raw CLI asks for a folder that is there
    if not context.is_sandbox:
        return result | context.endpoint_environment()
    service = find(context.service_folder)
    if service is None:
        line = shlex.join(["optout", "serve", *serve_arguments(context)])
        raise CommandError(f"the sandbox's service is not running; start it in another terminal:\n  {line}")
    return result | sandbox_environment(context, service)


_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_OPTOUT_COMPLETE"
MOST_BYTES = 1_000_000  # of a register that is read between two keystrokes; it has some 20,000 people


@click.command(name="completion")
@click.argument("shell", type=click.Choice(_SHELLS), required=False)
def completion_command(shell: str | None) -> None:
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
    try:
        stack = ctx.params.get("stack") or os.environ.get("PULUMI_STACK") or "local"
        places = _places(contexts.find(_root(ctx), stack))
    except Exception:  # noqa: BLE001 - whatever is wrong, the command says it; a shell that completes says nothing
        return []
    return [CompletionItem(label, help=place) for label, place in places.items() if label.startswith(incomplete)]


def _places(context: Context) -> Mapping[str, str]:
    sources, _ = discover(context.register_folder)
    if sum(source.path.stat().st_size for source in sources) > MOST_BYTES:
        return {}
    found = contexts.People.of(context.register, contexts.label_keys(context, {})).places
    # A file may be named after somebody.
    masked = Matcher({entry.speaker_id: "" for entry in context.register.entries}).masked
    return {label: masked(place) for label, place in sorted(found.items(), key=lambda item: item[1])}


def _root(ctx: click.Context) -> Path:
    return ctx.params.get("root") or Path()
