"""From a plan to what was done: the one way that `up` and `destroy` go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from voiceid_optout.cli import approval as approvals
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.git import run_message
from voiceid_optout.cli.session import end
from voiceid_optout.engine.interface import Operation, Result
from voiceid_optout.plan import Purpose, unplanned_steps
from voiceid_optout.plan.guard import Limits, is_dangerous
from voiceid_optout.plan.render_json import VERSION, document
from voiceid_optout.plan.render_text import step_lines
from voiceid_optout.register.sources import discover
from voiceid_optout.state import project as projects
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.config_values import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from voiceid_optout.cli.approval import Approval
    from voiceid_optout.cli.context import Context
    from voiceid_optout.cli.session import Session
    from voiceid_optout.engine.interface import Outcome
    from voiceid_optout.plan import Plan, Step
    from voiceid_optout.plan.review import Review

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


def plan(session: Session, work: Work, *, refresh: bool) -> Review:
    """Make the plan and let the guard look at it; nothing is changed and nothing shown."""
    limits = Limits.of(session.context.config.guard)
    outcome, made = session.perform(work.planning, refresh=refresh, title="Comparing")
    end(outcome)
    return approvals.guarded(session.review(made, work.purpose), limits, session.choices, refresh=refresh)


def apply(session: Session, work: Work, approval: Approval, *, refresh: bool, yes: bool) -> Plan:
    """Plan, show it, see whether it may be done, do it, and return what was done.

    Raises :class:`CommandError` where the plan is not the approved one, the guard refuses it, nobody agrees, or
    what it was made from changes before it is done.
    """
    approval.require_scope(session.scope(work.purpose))
    files = files_of(session.context)
    review = plan(session, work, refresh=refresh)
    foundation = Foundation(files, state_of(session.context))
    # Whether the guard refuses comes after the approval: a line here would come too early.
    session.show(replace(review, refusal=None))
    try:
        _permit(session, work, review, approval, refresh=refresh, yes=yes)
        foundation.require_unchanged(session.context)
    except CommandError as error:
        _emit(session, _RESULTS[error.code], [str(error)], review)
        raise
    return _do(session, work, review, approval, refresh=refresh)


def _permit(session: Session, work: Work, review: Review, approval: Approval, *, refresh: bool, yes: bool) -> None:
    command = approvals.override(work.purpose, session.choices, review.digest, refresh=refresh)
    approval.require(review, command)
    if review.refusal is not None:
        # A saved plan proves that nothing else is done; only naming the digest says that somebody wants it.
        if approval.digest is None:
            raise approvals.refused(review.refusal)
        session.warn(f"Approved although the guard would refuse it: {review.refusal.reasons}.")
    if review.plan.steps:
        # After a long plan its head is out of sight: the question says once more what is agreed to, and where.
        session.confirm(f"{review.summary}, at {session.endpoint}. {work.question}", yes=yes or approval.is_given)


def _do(session: Session, work: Work, review: Review, approval: Approval, *, refresh: bool) -> Plan:
    total = len(review.plan.steps) or None
    message = run_message(work.purpose, review.digest, session.context.project.root, session.context.environment)
    outcome, done = session.perform(
        work.doing,
        # What was read a moment ago and is as the state says need not be read again.
        refresh=refresh and review.plan.is_state_old,
        title=work.title,
        total=total,
        message=message,
        targets=_named(work, review.plan),
        repeatable=session.is_repeatable(review.plan),
    )
    extra = unplanned_steps(review.plan, done)
    surprise = _breaks_a_promise(extra, approval) and outcome.result is Result.SUCCEEDED
    count = f"{len(extra):,} {'step' if len(extra) == 1 else 'steps'}"
    words = f"more was done than the plan said: {count} that nobody had reviewed, listed above"
    errors = [*outcome.errors, words] if surprise else list(outcome.errors)
    _emit(session, Result.PARTIAL.value if surprise else outcome.result.value, errors, review)
    _warn_of_extra(session, extra, outcome)
    end(outcome)
    if surprise:
        raise CommandError(words, ExitCode.PARTIAL)
    return done


def _named(work: Work, plan: Plan) -> frozenset[str]:
    """Return the resources that the run is confined to; none where it has to go through all of them."""
    resources = plan.resources
    if work is not UP or resources is None or len(resources) > MOST_NAMED:
        return frozenset()
    return resources


def _breaks_a_promise(extra: tuple[Step, ...], approval: Approval) -> bool:
    """Tell whether steps beyond the plan break a promise, rather than repair what drifted a moment ago."""
    return bool(extra) and (approval.is_given or any(is_dangerous(step) for step in extra))


def _warn_of_extra(session: Session, extra: tuple[Step, ...], outcome: Outcome) -> None:
    # What a failed run reports as drift it may not have got to.
    if not extra or outcome.result is not Result.SUCCEEDED:
        return
    session.warn("Done beyond the plan, because the service or the state changed after it was made:")
    for line in step_lines(extra, session.places):
        session.warn(line)


def _emit(session: Session, result: str, errors: list[str], review: Review) -> None:
    session.emit({"version": VERSION, "result": result, "errors": errors, "plan": document(review)})


@dataclass(frozen=True, slots=True)
class Foundation:
    """Fingerprints: of each file by its name, and of the state."""

    files: Mapping[str, str]
    state: tuple[int, ...] | None

    def require_unchanged(self, context: Context) -> None:
        """Raise :class:`CommandError`, code STALE, if anything has changed since."""
        now = files_of(context)
        changed = sorted(name for name in {*self.files, *now} if self.files.get(name) != now.get(name))
        if changed:
            raise _stale(changed[0] if len(changed) == 1 else f"{changed[0]} and {len(changed) - 1:,} more")
        if self.state != state_of(context):
            raise _stale("the state, by another run,")


def files_of(context: Context) -> dict[str, str]:
    """Return a fingerprint of each file of the register, and of the stack's config."""
    sources, _ = discover(context.register_folder)
    found = {source.shown: _content(source.path) for source in sources}
    # Only what it configures: a first run adds a salt to the file, and the Pulumi CLI writes values in its own way.
    config = projects.load_stack(context.project, context.stack).config
    found[context.settings.path.name] = as_text({key: as_text(value) for key, value in config.items()})
    return found


def state_of(context: Context) -> tuple[int, ...] | None:
    """Return what tells one state from the next: every run writes a new file.

    None before the first run, and for a state that is in no folder.
    """
    if context.remote_backend:
        return None
    try:
        found = Backend(context.backend(), context.project.name, context.stack).state_file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""  # the engine's program will say it


def _stale(what: str) -> CommandError:
    return CommandError(
        f"{what} changed after the plan was made; nothing was changed in the service. Run the command again",
        ExitCode.STALE,
    )
