"""``optout env``: what the raw Pulumi CLI and AWS clients need to know, as shell exports."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.options import stack_options, with_options

if TYPE_CHECKING:
    from voiceid_optout.cli.context import Context


@click.command(name="env", short_help="Print shell exports for the raw Pulumi CLI.")
@with_options(*stack_options)
def command(**choices: Any) -> None:
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
    from voiceid_optout.cli import context as contexts  # noqa: PLC0415 - not for --help
    from voiceid_optout.state.backend import Backend  # noqa: PLC0415

    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        for name, value in variables(context).items():
            click.echo(f"export {name}={shlex.quote(value)}")  # noqa: TID251 - for the shell, to the letter
        # The raw CLI asks for `stack init` where there is no state yet; in a folder the stack file is enough.
        if not context.remote_backend:
            Backend(context.backend(), context.project.name, context.stack).initialise()


def variables(context: Context) -> dict[str, str]:
    """Return the variables by name."""
    from voiceid_optout.cli.context import require_shell  # noqa: PLC0415 - not for --help
    from voiceid_optout.cli.sandbox import make_private, sandbox_environment, serve_arguments  # noqa: PLC0415
    from voiceid_optout.service.data_folder import find  # noqa: PLC0415
    from voiceid_optout.voiceid.place import EXPORTED_FOR  # noqa: PLC0415

    require_shell(context)
    url = context.remote_backend or context.backend().resolve().as_uri()
    result = {EXPORTED_FOR: context.place.full_name, "PULUMI_STACK": context.stack, "PULUMI_BACKEND_URL": url}
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
