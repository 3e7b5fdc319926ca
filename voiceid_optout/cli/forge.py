"""``optout comment``, ``issue`` and ``approved``: plans on pull requests, drift in an issue, what was reviewed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.options import with_options
from voiceid_optout.cli.output import echo, reported
from voiceid_optout.cli.posting import (
    Choices,
    forge,
    of_failure,
    origin,
    posting_options,
    read_texts,
    repository_options,
    speakers,
    tell,
)
from voiceid_optout.forge import posts, texts
from voiceid_optout.forge.client import Event, commit
from voiceid_optout.forge.posts import reviewed_digest
from voiceid_optout.plan import PlanFileError
from voiceid_optout.plan.render_json import parse_saved


@click.command(name="comment")
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
def comment_command(
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


@click.command(name="issue")
@with_options(
    *posting_options,
    click.option("--failed", metavar="TEXT", help="The check itself failed: say why; --log-file adds its log."),
    click.option("--close", is_flag=True, help="There is no drift: close the issue."),
)
def issue_command(*, failed: str | None, close: bool, **options: Any) -> None:
    """Open the issue about a stack's drift, update it, or close it.

    A failed check opens or updates the same issue, because nobody then knows whether the opt-outs still hold.

    The issue is known by its first line, <!-- optout:drift=NAME -->, and by its author, as comments are. A text
    with an identifier of the register or of the state is refused.

    The token comes from GITHUB_TOKEN alone. The job needs this permission: issues: write

    \b
    Example: every night, after `optout drift`
      $ optout issue --stack production --log-file drift.txt
      issue created: https://github.com/example/register/issues/12
      $ optout issue --stack production --failed "no answer from the service" --log-file drift.log
      issue edited: https://github.com/example/register/issues/12
      $ optout issue --stack production --close
      issue closed: https://github.com/example/register/issues/12

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 register invalid (only without --failed), 6 an identifier in
    the text.
    """  # noqa: D301 - click's own mark for "do not wrap"
    choices = Choices(**options)
    texts_given = (choices.body_file is not None) + (choices.log_file is not None)
    if failed is not None and (close or choices.body_file is not None):
        raise click.UsageError("--failed goes with --log-file alone, without --body-file and --close")
    if failed is None and texts_given != (0 if close else 1):
        raise click.UsageError("give one of --body-file, --log-file, --failed and --close")
    with reported(), forge(choices) as github:
        source = origin(choices, Event.read(os.environ), os.environ)
        marker = posts.issue_marker(choices.stack)
        if close:
            if (closed := posts.close_issue(github, marker, texts.drift_closing_comment(source))) is None:
                echo("no issue is open")
            else:
                tell(closed, "issue")
            return
        given = read_texts(choices)
        if failed is not None:
            given, known, failed = of_failure(choices, given, failed)
            title, text = f"Not checked: stack {choices.stack}", texts.failed_issue(source, failed, log=given.log)
        elif given.is_empty:
            raise click.UsageError("the file is empty: there is no drift in it")
        else:
            title, text = f"Drift in stack {choices.stack}", texts.drift_issue(source, given.body, log=given.log)
            known = speakers(choices)
        known.check(text)
        tell(posts.put_issue(github, marker, title, text), "issue")


@click.command(name="approved")
@with_options(*repository_options)
def approved_command(**options: Any) -> None:
    """Print the digest in the comment on the pull request that became a commit.

    It is the digest that people saw when they merged. There is none if the commit came without a pull request, if
    the last preview failed, if the guard refused its plan, or if the plan is of an older push.

    The token comes from GITHUB_TOKEN alone. The job needs this permission: pull-requests: read

    \b
    Example: in a workflow, after a merge
      $ optout up --stack production --yes --approve "$(optout approved --stack production)"

    Exit codes: 0 done, 1 failed, 2 wrong usage, 7 no plan was reviewed for this commit.
    """  # noqa: D301 - click's own mark for "do not wrap"
    choices = Choices(**options)
    with reported(), forge(choices) as github:
        found = choices.commit or os.environ.get("GITHUB_SHA")
        if not found:
            raise CommandError("which commit? set GITHUB_SHA, or pass --commit ID", ExitCode.USAGE)
        echo(reviewed_digest(github, choices.stack, commit(found)))
