"""What several commands share: options that are declared once, and groups of commands that are imported by name."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.memory import no_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_STACK = "local"

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # Pulumi's rule, for stacks, projects and organisations
_MOST_PARTS = 3


def stack_name(context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """Return a stack's name; Pulumi also takes ``organisation/stack`` and ``organisation/project/stack``.

    A project that is named so and is not that of ``--cwd`` is refused: the run would reach another stack.
    """
    if name is None:
        return None
    parts = name.split("/")
    if len(parts) > _MOST_PARTS or not all(_NAME.fullmatch(part) and part not in (".", "..") for part in parts):
        raise click.BadParameter("a stack's name has letters, digits, `-`, `_` and `.`, at most 100 of them")
    if len(parts) == _MOST_PARTS:
        _require_project(context.params.get("root", Path()), parts[1])
    return parts[-1]


def _require_project(root: Path, name: str) -> None:
    from voiceid_optout.state import StackError  # noqa: PLC0415 - few name a stack so
    from voiceid_optout.state.project import load_project  # noqa: PLC0415

    try:
        found = load_project(root).name
    except StackError:
        return  # the command itself says what is wrong with Pulumi.yaml
    if found != name:
        raise click.BadParameter(f"the stack is of project {name}, and this folder has project {found}")


def _completed(name: str) -> Callable[[click.Context, click.Parameter, str], list[Any]]:
    """Return what completes a value in a shell: a function of :mod:`voiceid_optout.cli.shell`."""

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
        # By its name, and for shells that complete alone.
        shell = import_module("voiceid_optout.cli.shell")
        found: list[Any] = getattr(shell, name)(ctx, parameter, incomplete)
        return found

    return complete


cwd_option = click.option(
    "--cwd",
    "root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    is_eager=True,  # the stack's name may say which project it is of
    help="The project's folder, the one with Pulumi.yaml.  [default: here]",
)
_STACK = click.option(
    "-s",
    "--stack",
    envvar="PULUMI_STACK",
    show_envvar=True,
    default=DEFAULT_STACK,
    show_default=True,
    callback=stack_name,
    shell_complete=_completed("stacks"),
    help="The stack, named by its file Pulumi.<stack>.yaml.",
)
_ENGINE = click.option(
    "--engine",
    type=click.Choice(["auto", "embedded", "pulumi"]),
    default="auto",
    show_default=True,
    envvar="OPTOUT_ENGINE",
    show_envvar=True,
    help="auto: the Pulumi CLI if it is on PATH, otherwise the embedded engine. Both keep the same state.",
)
_JSON = click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON on standard output: events while something is changed, the result on the last line.",
)
_PARALLEL = click.option(
    "-p",
    "--parallel",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="How many resources are worked on at once. The service's quota is kept in any case.",
)
_TARGET = click.option(
    "-t",
    "--target",
    "targets",
    multiple=True,
    metavar="LABEL",
    shell_complete=_completed("labels"),
    help="Only these people, by the label a plan shows. Repeatable.",
)

_EVENT_LOG = click.option(
    "--event-log",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write the engine's events there, one JSON object a line, as the Pulumi CLI writes them.",
)

quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Show only errors, warnings and the result, without progress and rows."
)

_TRUST = click.option(
    "--trust-state",
    is_flag=True,
    help="Run whatever code the state names, with your keys. Use it only if you trust all who can write it.",
)

stack_options = (cwd_option, _STACK)
run_options = (*stack_options, _ENGINE, _JSON, quiet_option, _PARALLEL, _TARGET, _EVENT_LOG, _TRUST)
refresh_option = click.option(
    "--refresh/--no-refresh",
    default=True,
    show_default=True,
    help="Ask the service about every person first, so that drift is seen and repaired.",
)
continue_option = click.option(
    "--continue-on-error",
    is_flag=True,
    help="After an error continue with everybody whom it does not concern. The exit code is the same.",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json", "html"]),
    help="The form, on standard output or in the file of --output.  [default: text, or the file's ending]",
)
output_option = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to a file whose ending says the form: .txt, .md, .json, .html. Repeatable; text is shown too.",
)
report_options = (format_option, output_option)


def _approved(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Return the digits of an approval; a digest may be pasted with its algorithm before it."""
    if value is None:
        return None
    from voiceid_optout.plan import APPROVAL, SHORT  # noqa: PLC0415 - not for --help

    digest = value.strip().lower().removeprefix("sha256:")
    if not APPROVAL.fullmatch(digest):
        raise click.BadParameter(f"a digest is {SHORT} to 64 hexadecimal digits, as a plan shows it")
    return digest


approve_option = click.option(
    "--approve",
    metavar="DIGEST",
    callback=_approved,
    help="Do exactly the plan with this digest, without asking, even if the guard would refuse it.",
)
plan_option = click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Do exactly this saved plan, without asking. Differences are listed. The guard still checks it.",
)
yes_option = click.option("-y", "--yes", is_flag=True, help="Do it without asking; needed if nobody can answer.")


def require_answer(*, yes: bool) -> None:
    """Refuse where nobody could answer, before any work: a pipeline should not wait for a plan to hear that.

    ``yes`` is also an approval: what was approved is not asked again.
    """
    if not yes and not (sys.stdin and sys.stdin.isatty()):
        raise click.UsageError("nobody is here to confirm: pass --yes")


def with_options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Apply several option decorators, the first one shown first."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


class LazyGroup(click.Group):
    """A group that imports a command when it is used.

    ``lazy`` has, by the names of the commands and in the order in which people meet them, where each is
    (``module:attribute``, in this package) and what the list of commands says of it.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        """Take click's own arguments beside ``lazy``."""
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in their order."""
        return list(self._lazy)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self._lazy.items()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command."""
        if cmd_name not in self._lazy:
            return None
        place, about = self._lazy[cmd_name]
        module, _, name = place.partition(":")
        with no_collection():
            found: click.Command = getattr(import_module(f"voiceid_optout.cli.{module}"), name)
        found.short_help = about
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments begin with; what was probably meant is part of the error."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            raise click.NoSuchCommand(error.command_name, possibilities=self._lazy, ctx=ctx) from None
