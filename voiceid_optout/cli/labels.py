"""``optout labels``: change the key that labels are made with."""

from __future__ import annotations

from typing import Any

import click

from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo


@click.group(name="labels", short_help="Change the key of the labels.")
def command() -> None:
    """Labels stand for people in plans, logs and names of resources. They are keyed hashes; the key is a secret.

    \b
    Example: the key was seen by somebody who should not have
      $ optout labels rotate --stack production
      $ optout preview --stack production         everybody moves to a new label; no opt-out changes
      $ optout up --stack production              moves them, and removes the old key from the file

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """  # noqa: D301 - click's own mark for "do not wrap"


@command.command(name="rotate")
@with_options(*stack_options)
def rotate(**choices: Any) -> None:
    """Give the labels a new random key. The next `optout up` moves everybody, and makes no call to the service.

    Until then the stack's file contains both keys, the old one as previousLabelKey. An interrupted run continues
    where it ended.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    from voiceid_optout.cli import context as contexts  # noqa: PLC0415 - not for --help
    from voiceid_optout.cli import label_keys  # noqa: PLC0415

    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        echo(label_keys.rotate(context))


@command.command(name="finish")
@with_options(*stack_options)
def finish(**choices: Any) -> None:
    """Remove the old key from the stack's file, after an `up` on a runner has moved everybody.

    An `up` on your own machine does this itself. While somebody still has an old label, nothing is changed.

    Exit codes: 0 done, 1 failed or too early, 2 wrong usage.
    """
    from voiceid_optout.cli import context as contexts  # noqa: PLC0415 - not for --help
    from voiceid_optout.cli import label_keys  # noqa: PLC0415
    from voiceid_optout.cli.context import PREVIOUS_LABEL_KEY  # noqa: PLC0415

    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        label_keys.refuse_runner(context, "labels finish")
        words = label_keys.finish(context, context.environment)
        if words is None:
            raise CommandError(f"{context.settings.path.name} has no {PREVIOUS_LABEL_KEY}", ExitCode.USAGE)
        if contexts.find(choices["root"], choices["stack"]).config.changes_label_key:
            raise CommandError(words)
        echo(words)
