"""``optout issue``: keep one issue open while a stack has drifted, or could not be checked."""

from __future__ import annotations

import os
from typing import Any

import click

from voiceid_optout.cli.errors import reported
from voiceid_optout.cli.options import with_options
from voiceid_optout.cli.output import echo
from voiceid_optout.cli.posting import posting_options


@click.command(name="issue", short_help="Keep one issue open while a stack has drifted.")
@with_options(
    *posting_options,
    click.option("--failed", metavar="TEXT", help="The check itself failed: say why; --log-file adds its log."),
    click.option("--close", is_flag=True, help="There is no drift: close the issue."),
)
def command(*, failed: str | None, close: bool, **options: Any) -> None:
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
    from voiceid_optout.cli.posting import Choices, forge, of_failure, origin, read_texts, speakers, tell  # noqa: PLC0415
    from voiceid_optout.forge import posts, texts  # noqa: PLC0415
    from voiceid_optout.forge.client import Event  # noqa: PLC0415

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
