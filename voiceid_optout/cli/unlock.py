"""``optout unlock``: remove the lock of a run that is gone for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import require_answer, stack_options, with_options, yes_option
from voiceid_optout.cli.output import echo

if TYPE_CHECKING:
    from voiceid_optout.state.locks import Lock


@click.command(name="unlock", short_help="Remove the lock of a run that has died.")
@with_options(
    *stack_options,
    yes_option,
    click.option(
        "--force", is_flag=True, help="Remove it even if the process that holds it is alive on this machine."
    ),
)
def command(*, yes: bool, force: bool, **choices: Any) -> None:
    """Remove the lock of a run that has died, whichever engine it used.

    This shows who holds the lock and since when, and asks. If the lock is from this machine and its process has
    ended, you do not need this: the next run takes the lock over. If the process is alive, the command refuses,
    because the lock keeps two runs from writing one state. --force says that another process now has this number.

    \b
    Example
      $ optout unlock --stack production
      Stack production is locked by sam@runner-7 (pid 412) since 2026-03-02T03:23:11Z.
      Is that run gone for good, and may the lock be removed? [y/N]: y
      Unlocked stack production; the next run looks at what that one has done.

    Exit codes: 0 done, or not locked; 1 failed, 2 not confirmed, 8 the run that holds the lock is alive.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.cli import context as contexts  # noqa: PLC0415 - not for --help
    from voiceid_optout.cli.streams import confirmed, result  # noqa: PLC0415
    from voiceid_optout.engine.interface import place_of  # noqa: PLC0415
    from voiceid_optout.state import locks  # noqa: PLC0415
    from voiceid_optout.state.backend import Backend  # noqa: PLC0415

    require_answer(yes=yes)
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        if context.remote_backend:
            raise CommandError(
                f"the state and its lock are in {place_of(context.remote_backend)}, where only the Pulumi CLI gets "
                f"at them: run `pulumi cancel --stack {context.stack}`",
                ExitCode.USAGE,
            )
        held = list(locks.read_all(Backend(context.backend(), context.project.name, context.stack).lock_folder))
        for lock in held:
            echo(f"Stack {context.stack} is locked by {_words(lock)}.")
        if not held:
            result(f"Stack {context.stack} is not locked.")
            return
        if (alive := next((lock for lock in held if lock.is_alive), None)) is not None and not force:
            raise CommandError(
                f"process {alive.pid} is alive on this machine: wait for that run, or end it. If it is another "
                "program that has got the number, --force removes the lock",
                ExitCode.LOCKED,
            )
        if not yes and not confirmed("Is that run gone for good, and may the lock be removed?"):
            raise CommandError("not confirmed; the lock is still there", ExitCode.USAGE)
        for lock in held:
            locks.remove(lock)
        result(f"Unlocked stack {context.stack}; the next run looks at what that one has done.")


def _words(lock: Lock) -> str:
    from voiceid_optout.plan.review import clean  # noqa: PLC0415 - not for --help

    # A lock is a file that somebody else has written: nothing in it may reach a terminal as it is.
    return f"{clean(lock.holder)} since {clean(lock.since) or 'an unknown time'}"
