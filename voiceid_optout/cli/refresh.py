"""``optout refresh``: bring the state to what the service says."""

from __future__ import annotations

from typing import Any

import click

from voiceid_optout.cli.options import run_options, with_options
from voiceid_optout.cli.output import reported


@click.command(name="refresh")
@with_options(*run_options)
def refresh_command(**choices: Any) -> None:
    """Ask the service about every person, and write the answers into the state.

    Nothing changes in the service. Drift is listed, and the next `optout up` repairs it.

    \b
    Example
      $ optout refresh
      $ optout up --no-refresh     # sees the drift without asking the service again

    Exit codes: 0 done, 1 failed, 3 register invalid, 8 locked.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.cli.session import Choices, end, opened  # noqa: PLC0415 - not for --help
    from voiceid_optout.engine.interface import Operation  # noqa: PLC0415
    from voiceid_optout.plan import Purpose, people  # noqa: PLC0415
    from voiceid_optout.plan.render_json import document  # noqa: PLC0415

    with reported(), opened(Choices(**choices)) as session:
        outcome, plan = session.perform(Operation.REFRESH, refresh=True, title="Asking the service")
        end(outcome)
        review = session.review(plan, Purpose.REFRESH)
        session.emit(document(review))
        if plan.steps:
            session.show(review)
            session.tell("The state is up to date; `optout up` repairs what has drifted.", "")
        else:
            session.tell(f"The state is up to date: {people(plan.unchanged)}, no drift.")
