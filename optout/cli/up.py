"""``optout up``: bring the service to what the register says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from optout.cli.errors import reported
from optout.cli.options import refresh_option, require_answer, run_options, with_options, yes_option

if TYPE_CHECKING:
    from optout.cli.session import Session
    from optout.plan import Plan


@click.command(name="up", short_help="Bring the service to what the register says.")
@with_options(*run_options, refresh_option, yes_option)
def command(*, refresh: bool, yes: bool, **choices: Any) -> None:
    """Bring the service to what the register says.

    Shows the plan first and asks, unless --yes is given; where nobody can answer, --yes is needed. Safe to run
    again at any time: what is done stays done, and a run that was cut short goes on where it ended.

    \b
    Example
      $ optout up --yes
      Plan for stack local: 12 to opt out, 1 to release, 0 unchanged
      ...
      Done: 12 opted out, 1 released.

    Exit codes: 0 done, 1 failed, 2 not confirmed, 3 register invalid, 8 locked, 9 applied in part.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from optout.cli.session import Choices, opened  # noqa: PLC0415 - not for --help

    require_answer(yes=yes)
    with reported(), opened(Choices(**choices)) as session:
        _up(session, refresh=refresh, yes=yes)


def _up(session: Session, *, refresh: bool, yes: bool) -> None:
    from optout.cli.preview import planned  # noqa: PLC0415
    from optout.cli.session import end  # noqa: PLC0415
    from optout.engine.interface import Operation  # noqa: PLC0415
    from optout.plan.document import VERSION, document  # noqa: PLC0415

    plan = planned(session, refresh=refresh)
    if plan.steps:
        session.confirm("Do this?", yes=yes)
    outcome, done = session.perform(Operation.UP, refresh=refresh, title="Applying", total=len(plan.steps) or None)
    session.emit(
        {
            "version": VERSION,
            "result": outcome.result.value,
            "errors": list(outcome.errors),
            "plan": document(plan, session.places),
        }
    )
    end(outcome)
    if not done.steps:
        session.say("Nothing changed: the service says what the register asks.", "green")
        return
    session.say(f"Done: {_past(done)}.", "green")
    if session.context.is_sandbox:
        session.say(
            "Next: edit config/people.yaml and do this again; `.venv/bin/optout --help` lists the commands."
        )


def _past(plan: Plan) -> str:
    from optout.plan import Action  # noqa: PLC0415

    words = {
        Action.OPT_OUT: "opted out",
        Action.REPAIR: "repaired",
        Action.RELEASE: "released",
        Action.FORGET: "no longer managed",
        Action.UPDATE: "updated",
        Action.DELETE: "deleted",
        Action.REPLACE: "replaced",
    }
    counts = plan.counts
    return ", ".join(f"{counts[action]:,} {word}" for action, word in words.items() if counts[action])
