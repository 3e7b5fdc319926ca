"""``optout approved``: print the digest of the plan that was reviewed."""

from __future__ import annotations

import os
from typing import Any

import click

from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import with_options
from voiceid_optout.cli.output import echo
from voiceid_optout.cli.posting import repository_options


@click.command(name="approved", short_help="Print the digest that was reviewed.")
@with_options(*repository_options)
def command(**options: Any) -> None:
    """Print the digest in the comment on the pull request that became a commit.

    It is the digest that people saw when they merged. There is none if the commit came without a pull request, if
    the last preview failed, if the guard refused its plan, or if the plan is of an older push.

    The token comes from GITHUB_TOKEN alone. The job needs this permission: pull-requests: read

    \b
    Example: in a workflow, after a merge
      $ optout up --stack production --yes --approve "$(optout approved --stack production)"

    Exit codes: 0 done, 1 failed, 2 wrong usage, 7 no plan was reviewed for this commit.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.cli.posting import Choices, forge  # noqa: PLC0415 - not for --help
    from voiceid_optout.forge.client import commit  # noqa: PLC0415
    from voiceid_optout.forge.posts import reviewed_digest  # noqa: PLC0415

    choices = Choices(**options)
    with reported(), forge(choices) as github:
        found = choices.commit or os.environ.get("GITHUB_SHA")
        if not found:
            raise CommandError("which commit? set GITHUB_SHA, or pass --commit ID", ExitCode.USAGE)
        echo(reviewed_digest(github, choices.stack, commit(found)))
