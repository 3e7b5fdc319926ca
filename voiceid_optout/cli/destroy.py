"""``optout destroy``: stop managing everybody."""

from __future__ import annotations

from typing import Any

import click

from voiceid_optout.cli.options import approve_option, require_answer, run_options, with_options, yes_option
from voiceid_optout.cli.output import reported


@click.command(name="destroy")
@with_options(
    *run_options,
    yes_option,
    approve_option,
    click.option("--preview", "only_preview", is_flag=True, help="Show the plan, and change nothing."),
)
def destroy_command(*, yes: bool, approve: str | None, only_preview: bool, **choices: Any) -> None:
    """Stop managing everybody. The stack is empty afterwards.

    Opt-outs stay in the service: only an entry under `released` ends one. The next `optout up` manages the people
    of the register again.

    Nobody would be managed any more, so the guard needs the plan's digest, which --preview shows. For a few people
    named by --target, --yes is enough.

    \b
    Example
      $ optout destroy --stack rehearsal --preview
      Plan to destroy stack rehearsal: 14 to stop managing, 0 unchanged
      ...
      Digest: 3f2a91c0d7e4b5a6c81d20f95ae37b64
      $ optout destroy --stack rehearsal --approve 3f2a91c0d7e4b5a6c81d20f95ae37b64

    Exit codes: 0 done, 1 failed, 2 not confirmed, 3 register invalid, 6 refused by the guard, 7 plan stale,
    8 locked, 9 done in part, or more than was approved.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from voiceid_optout.cli import applying  # noqa: PLC0415
    from voiceid_optout.cli.approval import Approval  # noqa: PLC0415
    from voiceid_optout.cli.session import Choices, opened  # noqa: PLC0415
    from voiceid_optout.plan import people  # noqa: PLC0415
    from voiceid_optout.plan.render_json import document  # noqa: PLC0415

    require_answer(yes=yes or only_preview or approve is not None)
    with reported(), opened(Choices(**choices)) as session:
        if only_preview:
            review = applying.plan(session, applying.DESTROY, refresh=True)
            session.show(review)
            session.emit(document(review))
            return
        done = applying.apply(session, applying.DESTROY, Approval(approve), refresh=True, yes=yes)
        session.tell(f"Done: {people(len(done.steps))} no longer managed; opt-outs stay in the service.")
