"""``optout destroy``: let the stack forget everybody."""

from __future__ import annotations

from typing import Any

import click

from optout.cli.errors import reported
from optout.cli.options import require_answer, run_options, with_options, yes_option


@click.command(name="destroy", short_help="Let the stack forget everybody; nothing changes in the service.")
@with_options(*run_options, yes_option)
def command(*, yes: bool, **choices: Any) -> None:
    """Let the stack forget everybody it manages.

    Opt-outs stay in the service: only an entry under `released` ends one. The next `optout up` takes the people of
    the register back under management.

    \b
    Example
      $ optout destroy --stack rehearsal --yes

    Exit codes: 0 done, 1 failed, 2 not confirmed, 3 register invalid, 8 locked.
    """  # noqa: D301 - click's own mark for "do not wrap"
    from optout.cli.session import Choices, end, opened  # noqa: PLC0415 - not for --help
    from optout.engine.interface import Operation  # noqa: PLC0415
    from optout.plan.document import document  # noqa: PLC0415
    from optout.plan.text import people  # noqa: PLC0415

    require_answer(yes=yes)
    with reported(), opened(Choices(**choices)) as session:
        whom = people(len(session.choices.targets)) if session.choices.targets else "everybody"
        session.confirm(f"Forget {whom} in stack {session.context.stack}? Nobody's opt-out changes.", yes=yes)
        outcome, plan = session.perform(Operation.DESTROY, refresh=False, title="Forgetting")
        end(outcome)
        session.emit(document(plan, session.places))
        session.say(f"Done: {people(len(plan.steps))} no longer managed; the service was not touched.", "green")
