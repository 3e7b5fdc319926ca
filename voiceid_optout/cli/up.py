"""``optout up``: bring the service to what the register says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.options import (
    approve_option,
    continue_option,
    plan_option,
    refresh_option,
    require_answer,
    run_options,
    with_options,
    yes_option,
)
from voiceid_optout.cli.output import reported

if TYPE_CHECKING:
    from pathlib import Path

    from voiceid_optout.cli.session import Session


_NOTHING = "Nothing changed: the service says what the register asks."


@click.command(name="up")
@with_options(*run_options, refresh_option, yes_option, approve_option, plan_option, continue_option)
def up_command(*, refresh: bool, yes: bool, approve: str | None, plan_file: Path | None, **choices: Any) -> None:
    """Make the service match the register.

    This shows the plan first and asks, unless --yes, --approve or --plan is given. If nobody can answer, one of
    them is needed. You can run it again at any time: what is done stays done, and an interrupted run continues
    where it ended.

    A guard refuses a plan that would release or stop managing many people at once, or everybody, or delete
    anything. It then prints the command that applies exactly this plan, with --approve. docs/plan.md
    explains its limits.

    \b
    Example
      $ optout up --yes
      Plan for stack local: 12 to opt out, 1 to release, 0 unchanged
      ...
      Done: 12 opted out, 1 released.

    \b
    Example: do what was reviewed, or nothing
      $ optout preview --save-plan plan.json
      $ optout up --plan plan.json

    Exit codes: 0 done, 1 failed, 2 not confirmed, 3 register invalid, 6 refused by the guard, 7 plan stale,
    8 locked, 9 applied in part, or more than was approved.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.cli import applying, approval, labels  # noqa: PLC0415
    from voiceid_optout.cli.labels import Missing  # noqa: PLC0415
    from voiceid_optout.cli.session import Choices, opened  # noqa: PLC0415
    from voiceid_optout.plan.review import past  # noqa: PLC0415

    require_answer(yes=yes or approve is not None or plan_file is not None)
    with reported():
        approved = approval.read(approve, plan_file)
        with opened(Choices(**choices), Missing.MAKE) as session:
            done = applying.apply(session, applying.UP, approved, refresh=refresh, yes=yes)
            session.tell(f"Done: {past(done)}." if done.steps else _NOTHING)
            if (words := labels.finish(session.context, session.environment)) is not None:
                session.tell(words, "yellow")
            if done.steps and session.context.is_sandbox:
                session.say(_next_step(session))


def _next_step(session: Session) -> str:
    """Return what to try after a run of the sandbox: a file that is there, and a command that can be typed."""
    root = session.context.project.root
    file = session.mask.place(f"{session.context.register.files[0]}:").removesuffix(":")
    command = ".venv/bin/optout" if (root / ".venv" / "bin" / "optout").exists() else "optout"
    return f"Next: edit {file} and do this again; `{command} --help` lists the commands."
