"""``optout up`` and ``destroy``, one way through: plan, judge, execute, and compare with what was planned."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.labels import Missing, finish
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
from voiceid_optout.cli.output import echo, reported
from voiceid_optout.cli.running import RunOptions, end, is_repeatable, perform
from voiceid_optout.cli.session import Choices, opened
from voiceid_optout.cli.verdict import Approval, judge, override
from voiceid_optout.engine.interface import Operation, Result
from voiceid_optout.plan import Action, PlanError, Purpose, people, unplanned_steps
from voiceid_optout.plan.guard import Limits, is_dangerous
from voiceid_optout.plan.render_json import VERSION, document, parse_saved
from voiceid_optout.plan.render_text import step_lines
from voiceid_optout.plan.review import past
from voiceid_optout.register import fingerprints
from voiceid_optout.state import project as projects
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.config_values import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from voiceid_optout.cli.context import Context
    from voiceid_optout.cli.session import Session
    from voiceid_optout.cli.verdict import Verdict
    from voiceid_optout.engine.interface import Outcome
    from voiceid_optout.plan import Plan
    from voiceid_optout.plan.review import Review
    from voiceid_optout.state.project import StackSettings


_NOTHING = "Nothing changed: the service says what the register asks."


@click.command(name="up")
@with_options(*run_options, refresh_option, yes_option, approve_option, plan_option, continue_option)
def up_command(*, yes: bool, approve: str | None, plan_file: Path | None, **choices: Any) -> None:
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
    require_answer(yes=yes or approve is not None or plan_file is not None)
    with reported():
        approved = read_approval(approve, plan_file)
        options = RunOptions.take(choices)
        with opened(Choices(**choices), Missing.MAKE, options.targets) as session:
            done = apply(session, UP, options, approved, yes=yes)
            session.screen.tell(f"Done: {past(done)}." if done.steps else _NOTHING)
            if (words := finish(session.context, session.environment)) is not None:
                session.screen.tell(words, "yellow")
            if done.steps and session.context.is_sandbox:
                session.screen.say(_next_step(session))


def _next_step(session: Session) -> str:
    """Return what to try after a run of the sandbox: a file that is there, and a command that can be typed."""
    root = session.context.project.root
    file = session.mask.place(f"{session.context.register.files[0]}:").removesuffix(":")
    command = ".venv/bin/optout" if (root / ".venv" / "bin" / "optout").exists() else "optout"
    return f"Next: edit {file} and do this again; `{command} --help` lists the commands."


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
    require_answer(yes=yes or only_preview or approve is not None)
    options = RunOptions.take(choices)
    with reported(), opened(Choices(**choices), targets=options.targets) as session:
        if only_preview:
            review = judged(session, DESTROY, options).review
            session.screen.show(review)
            session.screen.emit(lambda: document(review))
            return
        done = apply(session, DESTROY, options, Approval(approve), yes=yes)
        session.screen.tell(f"Done: {people(len(done.steps))} no longer managed; opt-outs stay in the service.")


MOST_NAMED = 1_000  # resources: their names go on the Pulumi CLI's command line
_RESULTS = {ExitCode.REFUSED: "refused", ExitCode.STALE: "stale", ExitCode.USAGE: "not-confirmed"}


@dataclass(frozen=True, slots=True)
class Work:
    """What a command does: how it plans, how it does it, and what it asks before."""

    purpose: Purpose
    planning: Operation
    doing: Operation
    title: str
    question: str


UP = Work(Purpose.UP, Operation.PREVIEW, Operation.UP, "Applying", "Do this?")
DESTROY = Work(
    Purpose.DESTROY, Operation.PREVIEW_DESTROY, Operation.DESTROY, "No longer managed", "Stop managing them?"
)


def read_approval(digest: str | None, path: Path | None) -> Approval:
    """Read what the options say; raises :class:`CommandError` for a file that is no saved plan."""
    if path is None:
        return Approval(digest)
    try:
        return Approval(digest, parse_saved(path.read_bytes()), path)
    except OSError as error:
        raise CommandError(f"cannot read the plan {path}: {error.strerror}", ExitCode.USAGE) from error
    except PlanError as error:
        raise CommandError(
            f"{path} {error}; write it anew with `optout preview --save-plan {path}`", ExitCode.USAGE
        ) from error


def judged(session: Session, work: Work, options: RunOptions, approval: Approval | None = None) -> Verdict:
    """Make the plan and judge it; nothing is changed and nothing shown."""
    outcome, plan = perform(session, work.planning, options, title="Comparing")
    end(outcome)
    review = session.review(plan, work.purpose)
    command = override(work.purpose, session.choices, options, review.digest)
    return judge(review, Limits.of(session.context.config.guard), approval or Approval(), command)


def apply(session: Session, work: Work, options: RunOptions, approval: Approval, *, yes: bool) -> Plan:
    """Plan, judge, execute, compare; returns what was done.

    Raises :class:`CommandError` where the plan is not the approved one, the guard refuses it, nobody agrees, or
    what it was made from changes before it is done.
    """
    approval.require_scope(session.scope(work.purpose))
    files = files_read(session.context)
    verdict = judged(session, work, options, approval)
    foundation = Foundation(files, state_of(session.context))
    # Whether the guard refuses comes after the approval: a line here would come too early.
    session.screen.show(replace(verdict.review, refusal=None))
    try:
        _permit(session, work, verdict, yes=yes)
        foundation.require_unchanged(session.context)
    except CommandError as error:
        _emit(session, _RESULTS[error.code], [str(error)], verdict.review)
        raise
    outcome, done = _execute(session, work, options, verdict.review)
    _compare(session, verdict.review, outcome, done, approval)
    return done


def _permit(session: Session, work: Work, verdict: Verdict, *, yes: bool) -> None:
    for line in verdict.differences:
        echo(line, err=True)
    verdict.require()
    if verdict.overridden:
        session.screen.warn(f"Approved although the guard would refuse it: {verdict.overridden}.")
    if verdict.asks:
        # After a long plan its head is out of sight: the question says once more what is agreed to, and where.
        where = session.settings.place()
        session.screen.confirm(f"{verdict.review.summary}, at {where}. {work.question}", yes=yes)


def _execute(session: Session, work: Work, options: RunOptions, review: Review) -> tuple[Outcome, Plan]:
    from voiceid_optout.cli.git import run_message  # noqa: PLC0415 - a preview is no run

    context, plan = session.context, review.plan
    return perform(
        session,
        work.doing,
        # What was read a moment ago and is as the state says need not be read again.
        replace(options, refresh=options.refresh and plan.is_state_old),
        title=work.title,
        total=len(plan.steps) or None,
        message=run_message(work.purpose, review.digest, context.project.root, context.environment),
        resources=_named(work, plan),
        repeatable=is_repeatable(session, plan),
        ask_first=any(step.action is Action.MOVE for step in plan.steps),
    )


def _compare(session: Session, review: Review, outcome: Outcome, done: Plan, approval: Approval) -> None:
    """Say what was done beyond the plan, and raise :class:`CommandError` where that, or the run itself, failed."""
    extra = unplanned_steps(review.plan, done)
    # What a failed run reports as drift it may not have got to.
    is_told = bool(extra) and outcome.result is Result.SUCCEEDED
    # Steps beyond the plan break a promise, unless they repair what drifted a moment ago and nobody approved less.
    is_broken = is_told and (approval.is_given or any(map(is_dangerous, extra)))
    count = f"{len(extra):,} {'step' if len(extra) == 1 else 'steps'}"
    words = f"more was done than the plan said: {count} that nobody had reviewed, listed above"
    errors = [*outcome.errors, words] if is_broken else list(outcome.errors)
    _emit(session, Result.PARTIAL.value if is_broken else outcome.result.value, errors, review)
    if is_told:
        session.screen.warn("Done beyond the plan, because the service or the state changed after it was made:")
        for line in step_lines(extra, session.people.places):
            session.screen.warn(line)
    end(outcome)
    if is_broken:
        raise CommandError(words, ExitCode.PARTIAL)


def _named(work: Work, plan: Plan) -> frozenset[str]:
    """Return the resources that the run is confined to; none where it has to go through all of them."""
    resources = plan.resources
    if work is not UP or resources is None or len(resources) > MOST_NAMED:
        return frozenset()
    return resources


def _emit(session: Session, result: str, errors: list[str], review: Review) -> None:
    session.screen.emit(lambda: {"version": VERSION, "result": result, "errors": errors, "plan": document(review)})


@dataclass(frozen=True, slots=True)
class Foundation:
    """What a plan was made from, as fingerprints: each file by its name, and the state."""

    files: Mapping[str, str]
    state: tuple[int, ...]

    def require_unchanged(self, context: Context) -> None:
        """Raise :class:`CommandError`, code STALE, if anything has changed since."""
        config = _config_text(projects.load_stack(context.project, context.stack))
        now = {**fingerprints(context.register_folder), context.settings.path.name: config}
        changed = sorted(name for name in {*self.files, *now} if self.files.get(name) != now.get(name))
        if changed:
            raise _stale(changed[0] if len(changed) == 1 else f"{changed[0]} and {len(changed) - 1:,} more")
        if self.state != state_of(context):
            raise _stale("the state, by another run,")


def files_read(context: Context) -> dict[str, str]:
    """Return the fingerprints of the files as the command has read them, which is what a plan is about."""
    return {**context.register.fingerprints, context.settings.path.name: _config_text(context.settings)}


def _config_text(settings: StackSettings) -> str:
    """Return what the stack file configures: a run adds a salt, and the CLI writes values in its own way."""
    return as_text({key: as_text(value) for key, value in settings.config.items()})


def state_of(context: Context) -> tuple[int, ...]:
    """Return what tells one state from the next; nothing before the first run, or for a state in no folder."""
    if context.remote_backend:
        return ()
    return Backend(context.backend(), context.project.name, context.stack).stamp()


def _stale(what: str) -> CommandError:
    return CommandError(
        f"{what} changed after the plan was made; nothing was changed in the service. Run the command again",
        ExitCode.STALE,
    )
