"""``optout preview``: show what ``optout up`` would do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from optout.cli.errors import reported
from optout.cli.exit_codes import ExitCode
from optout.cli.options import refresh_option, run_options, with_options

if TYPE_CHECKING:
    from optout.cli.session import Session
    from optout.plan import Plan


@click.command(name="preview", short_help="Show what `up` would do.")
@with_options(
    *run_options,
    refresh_option,
    click.option("--detailed-exitcode", is_flag=True, help="Leave with 4 when there is something to do."),
)
def command(*, refresh: bool, detailed_exitcode: bool, **choices: Any) -> None:
    """Show what `optout up` would do, and change nothing.

    The register is checked, the service is asked about every person (unless --no-refresh), and each difference
    is a row: its label, the line of the register, what would be done and why.

    \b
    Example: in CI, on a pull request
      $ optout preview --stack production --detailed-exitcode
      Plan for stack production: 1 to opt out, 13 unchanged
        + opt out  sp-2357877d05320d78  config/people.yaml:14  new

    Exit codes: 0 done, 1 failed, 3 register invalid, 4 changes planned (with --detailed-exitcode).
    """  # noqa: D301 - click's own mark for "do not wrap"
    from optout.cli.session import Choices, opened  # noqa: PLC0415 - not for --help
    from optout.plan.document import document  # noqa: PLC0415

    with reported(), opened(Choices(**choices)) as session:
        plan = planned(session, refresh=refresh)
        session.emit(document(plan, session.places))
        if not plan.steps:
            session.say("Nothing to do: the service says what the register asks.", "green")
    if detailed_exitcode and plan.steps:
        sys.exit(ExitCode.CHANGES_PLANNED)


def planned(session: Session, *, refresh: bool) -> Plan:
    """Run a preview, show its plan, and return it."""
    from optout.cli.session import end  # noqa: PLC0415
    from optout.engine.interface import Operation  # noqa: PLC0415

    outcome, plan = session.perform(Operation.PREVIEW, refresh=refresh, title="Comparing")
    end(outcome)
    session.show_plan(plan)
    return plan
