"""``optout preview``: show what ``optout up`` would do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import refresh_option, report_options, run_options, with_options
from voiceid_optout.cli.output import reported


@click.command(name="preview")
@with_options(
    *run_options,
    refresh_option,
    *report_options,
    click.option(
        "--save-plan",
        "plan_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Save the plan, readable by you alone, for `optout up --plan FILE`.",
    ),
    click.option(
        "--detailed-exitcode",
        is_flag=True,
        help="Exit with 4 if there is something to do, with 6 if the guard would refuse it.",
    ),
)
def preview_command(
    *,
    refresh: bool,
    form: str | None,
    outputs: tuple[Path, ...],
    plan_file: Path | None,
    detailed_exitcode: bool,
    **choices: Any,
) -> None:
    """Show what `optout up` would do, and change nothing.

    This checks the register and asks the service about every person (unless --no-refresh). Each difference is a
    row: the label, the line of the register, what would be done and why. The digest names exactly this plan.
    `optout up --approve DIGEST` applies it, or nothing.

    \b
    Example: in CI, on a pull request
      $ optout preview --stack production --output plan.md --save-plan plan.json
      Plan for stack production: 1 to opt out, 13 unchanged
        + opt out  sp-2357877d05320d78  config/people.yaml:14  new
      Digest: 3f2a91c0d7e4b5a6c81d20f95ae37b64

    Exit codes: 0 done, 1 failed, 3 register invalid; with --detailed-exitcode also 4 changes planned,
    6 the guard would refuse them.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.cli import applying, reports, scale  # noqa: PLC0415
    from voiceid_optout.cli.labels import Missing  # noqa: PLC0415
    from voiceid_optout.cli.session import Choices, opened  # noqa: PLC0415
    from voiceid_optout.plan import render_json  # noqa: PLC0415

    report = reports.report(form, outputs, as_json=choices.pop("as_json"))
    with reported(), opened(Choices(**choices, as_json=report.is_for_machines), Missing.REFUSE) as session:
        review = applying.plan(session, applying.UP, refresh=refresh)
        session.show(review)
        if plan_file is not None:
            reports.write(plan_file, render_json.render(review).encode(), 0o600)
        report.publish(review)
        people = len(session.context.register.entries)
        if note := scale.advice(people, sharded=session.context.is_sharded):
            session.say(f"note: {note}.", "dim")
        if not review.plan.steps:
            session.tell("Nothing to do: the service says what the register asks.")
    if detailed_exitcode and review.plan.steps:
        sys.exit(ExitCode.CHANGES_PLANNED if review.refusal is None else ExitCode.REFUSED)
