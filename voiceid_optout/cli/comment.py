"""``optout comment``: show a plan, or a failure, on its pull request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from voiceid_optout.cli.errors import CommandError, reported
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import with_options
from voiceid_optout.cli.posting import posting_options


@click.command(name="comment", short_help="Show a plan on its pull request.")
@with_options(
    *posting_options,
    click.option(
        "--pr",
        "number",
        type=click.IntRange(min=1),
        help="The pull request's number.  [default: the one the workflow runs for]",
    ),
    click.option(
        "--plan",
        "plan_file",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="The plan as `preview --save-plan` wrote it: merging the pull request approves exactly this plan, "
        "unless the guard refuses it.",
    ),
    click.option("--digest", help="Instead of --plan: the digest that merging approves."),
    click.option("--failed", metavar="TEXT", help="There is no plan: say why, and void the earlier one."),
)
def command(
    number: int | None, plan_file: Path | None, digest: str | None, failed: str | None, **options: Any
) -> None:
    """Write the comment about a stack on a pull request, or edit the existing one.

    The comment is known by its first line, <!-- optout:stack=NAME -->, and by its author: only comments of the
    token's own user are changed. A text with an identifier of the register is refused.

    The token comes from GITHUB_TOKEN alone. The job needs this permission: pull-requests: write

    \b
    Example: in a workflow, after `optout preview`
      $ optout comment --stack production --body-file plan.md --plan plan.json
      comment created: https://github.com/example/register/pull/7#issuecomment-1
      $ optout comment --stack production --failed "the preview failed" --log-file preview.log
      comment edited: https://github.com/example/register/pull/7#issuecomment-1

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 register invalid (only without --failed), 6 an identifier in
    the text.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.cli.posting import Choices, forge, of_failure, origin, read_texts, speakers, tell  # noqa: PLC0415
    from voiceid_optout.forge import posts, texts  # noqa: PLC0415
    from voiceid_optout.forge.client import Event  # noqa: PLC0415

    choices = Choices(**options)
    if failed is None and choices.body_file is None:
        raise click.UsageError("give --body-file, or --failed for a preview that gave no plan")
    if failed is not None and (digest, plan_file) != (None, None):
        raise click.UsageError("a failed preview approves nothing: leave out --digest and --plan, or --failed")
    if digest is not None and plan_file is not None:
        raise click.UsageError("give either --digest or --plan")
    if failed is None and choices.log_file is not None:
        raise click.UsageError("--log-file goes with --failed")
    with reported(), forge(choices) as github:
        event = Event.read(os.environ)
        number = number or event.pull_request
        if number is None:
            raise click.UsageError("which pull request? this workflow runs for none: pass --pr NUMBER")
        given = read_texts(choices)
        source = origin(choices, event, os.environ)
        if failed is None:
            if given.is_empty:
                raise click.UsageError("the file of --body-file is empty: there is no plan in it")
            if plan_file is not None:
                digest = _digest(plan_file, choices.stack)
            if digest is not None and source.commit is None:
                raise click.UsageError("a digest belongs to a commit: pass --commit ID")
            text = texts.plan_comment(source, given.body, digest)
            known = speakers(choices)
        else:
            given, known, failed = of_failure(choices, given, failed)
            text = texts.failed_comment(source, failed, body=given.body, log=given.log)
        known.check(text)
        tell(posts.put_comment(github, number, posts.comment_marker(choices.stack), text), "comment")


def _digest(path: Path, stack: str) -> str | None:
    """Return the digest of a saved plan, None if the guard refuses it; raises CommandError for another file."""
    from voiceid_optout.plan import PlanFileError  # noqa: PLC0415 - not for --help
    from voiceid_optout.plan.render_json import parse_saved  # noqa: PLC0415

    try:
        saved = parse_saved(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    except PlanFileError as error:
        remedy = f"write it with `optout preview --save-plan {path}`"
        raise CommandError(f"{path} {error}: {remedy}", ExitCode.USAGE) from None
    if saved.scope.stack != stack:
        raise CommandError(f"{path} is a plan for another stack than {stack}", ExitCode.USAGE)
    return None if saved.refused else saved.digest
