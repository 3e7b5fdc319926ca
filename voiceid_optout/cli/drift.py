"""``optout drift``: prove that everything still holds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.options import report_options, run_options, with_options
from voiceid_optout.cli.output import reported

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="drift")
@with_options(*run_options, *report_options)
def drift_command(*, form: str | None, outputs: tuple[Path, ...], **choices: Any) -> None:
    """Ask the service about every person, and report everybody whose status is not what the register asks. Nothing
    is changed.

    Drift is a person who was opted out and is now enrolled, expired, pending or gone, a released person who is
    back, or an entry of the register that was never applied. `optout up` repairs all of these. A merged change
    that is not applied yet is no drift if it leaves nobody unprotected (a release, a removed line); it is only
    counted.

    \b
    Example: every night
      $ optout drift --stack production --output drift.md
      Drift in stack production: 1 to repair, 13 unchanged
        ! repair  sp-2357877d05320d78  config/people.yaml:14  ENROLLED in the service, should be OPTED_OUT

    Exit codes: 0 no drift, 1 failed, 3 register invalid, 5 drift.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.cli import reports  # noqa: PLC0415
    from voiceid_optout.cli.session import Choices, end, opened  # noqa: PLC0415
    from voiceid_optout.engine.interface import Operation  # noqa: PLC0415
    from voiceid_optout.plan import Action, Plan, Purpose, people  # noqa: PLC0415
    from voiceid_optout.plan.review import planned  # noqa: PLC0415

    report = reports.report(form, outputs, as_json=choices.pop("as_json"))
    with reported(), opened(Choices(**choices, as_json=report.is_for_machines)) as session:
        outcome, everything = session.perform(Operation.PREVIEW, refresh=True, title="Asking the service")
        end(outcome)
        # Who is yet to be released, or was taken out of the register, is opted out until `up` does that: no drift.
        # Nor is it one that people are yet to move from one resource to another.
        waiting = (Action.RELEASE, Action.FORGET, Action.MOVE)
        steps = tuple(step for step in everything.steps if step.action not in waiting)
        left = everything.unchanged + sum(step.is_person for step in everything.steps)
        drift = Plan(steps, left - sum(step.is_person for step in steps), everything.managed)
        pending = Plan(tuple(step for step in everything.steps if step.action in waiting), 0)
        review = session.review(drift, Purpose.DRIFT)
        report.publish(review)
        if pending.steps:
            session.say(f"Not applied yet, and no drift: {planned(pending)}. `optout up` does it.", "dim")
        if not steps:
            session.tell(f"No drift: {people(drift.unchanged)} as the register asks.")
            return
        session.show(review)
        session.say("`optout up` repairs this.")
    sys.exit(ExitCode.DRIFT)
