"""``optout preview``, ``refresh`` and ``drift``: what would be done, what is there, and the forms it is told in."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.labels import Missing
from voiceid_optout.cli.options import refresh_option, report_options, run_options, with_options
from voiceid_optout.cli.output import echo, reported
from voiceid_optout.cli.running import RunOptions, end, perform
from voiceid_optout.cli.session import Choices, opened
from voiceid_optout.cli.up import UP, judged
from voiceid_optout.engine.interface import Operation
from voiceid_optout.files import write_atomic
from voiceid_optout.plan import (
    Action,
    Plan,
    Purpose,
    people,
    render_json,
    render_markdown,
    render_text,
)
from voiceid_optout.plan.render_json import document
from voiceid_optout.plan.review import planned
from voiceid_optout.register.report import advice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.plan.review import Renderer, Review


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
    destination = report(form, outputs, as_json=choices.pop("as_json"))
    options = RunOptions.take(choices)
    chosen = Choices(**choices, as_json=destination.is_for_machines)
    with reported(), opened(chosen, Missing.REFUSE, options.targets) as session:
        verdict = judged(session, UP, options)
        review = verdict.review
        session.screen.show(review)
        if plan_file is not None:
            write(plan_file, render_json.render(review).encode(), 0o600)
        destination.publish(review)
        if note := advice(len(session.context.register.entries), sharded=session.context.is_sharded):
            session.screen.say(f"note: {note}.", "dim")
        if not review.plan.steps:
            session.screen.tell("Nothing to do: the service says what the register asks.")
    if detailed_exitcode and review.plan.steps:
        sys.exit(verdict.code or ExitCode.CHANGES_PLANNED)


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
    options = RunOptions.take(choices)
    with reported(), opened(Choices(**choices), targets=options.targets) as session:
        outcome, plan = perform(session, Operation.REFRESH, options, title="Asking the service")
        end(outcome)
        review = session.review(plan, Purpose.REFRESH)
        session.screen.emit(lambda: document(review))
        if plan.steps:
            session.screen.show(review)
            session.screen.tell("The state is up to date; `optout up` repairs what has drifted.", "")
        else:
            session.screen.tell(f"The state is up to date: {people(plan.unchanged)}, no drift.")


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
    destination = report(form, outputs, as_json=choices.pop("as_json"))
    options = RunOptions.take(choices)
    chosen = Choices(**choices, as_json=destination.is_for_machines)
    with reported(), opened(chosen, targets=options.targets) as session:
        outcome, everything = perform(session, Operation.PREVIEW, options, title="Asking the service")
        end(outcome)
        # Who is yet to be released, or was taken out of the register, is opted out until `up` does that: no drift.
        # Nor is it one that people are yet to move from one resource to another.
        waiting = (Action.RELEASE, Action.FORGET, Action.MOVE)
        steps = tuple(step for step in everything.steps if step.action not in waiting)
        left = everything.unchanged + sum(step.is_person for step in everything.steps)
        drift = Plan(steps, left - sum(step.is_person for step in steps), everything.managed)
        pending = Plan(tuple(step for step in everything.steps if step.action in waiting), 0)
        review = session.review(drift, Purpose.DRIFT)
        destination.publish(review)
        if pending.steps:
            session.screen.say(f"Not applied yet, and no drift: {planned(pending)}. `optout up` does it.", "dim")
        if not steps:
            session.screen.tell(f"No drift: {people(drift.unchanged)} as the register asks.")
            return
        session.screen.show(review)
        session.screen.say("`optout up` repairs this.")
    sys.exit(ExitCode.DRIFT)


COMMENT_LENGTH = 64_000  # what a comment may hold, less some room for whoever puts a line around the plan
_BY_ENDING = {".txt": "text", ".md": "markdown", ".markdown": "markdown", ".json": "json", ".html": "html"}


def _page(review: Review) -> str:
    from voiceid_optout.plan import render_html  # noqa: PLC0415 - few want a page, and it takes a parser of XML

    return render_html.render(review)


_RENDERERS: Mapping[str, Renderer] = {
    "text": render_text.render,
    "markdown": lambda review: render_markdown.render(review, COMMENT_LENGTH),
    "json": render_json.render,
    "html": _page,
}


@dataclass(frozen=True, slots=True)
class Report:
    """Where a plan goes. ``printed`` is the form on standard output; files have one each."""

    printed: str
    files: tuple[tuple[Path, str], ...] = ()

    @property
    def is_for_machines(self) -> bool:
        """Whether standard output holds the document alone."""
        return self.printed != "text"

    def publish(self, review: Review) -> None:
        """Write the files and print the form, unless that is text, which the command itself shows."""
        for path, form in self.files:
            write(path, render(review, form).encode(), 0o644)
        if self.is_for_machines:
            echo(render(review, self.printed), nl=False)


def report(form: str | None, outputs: tuple[Path, ...], *, as_json: bool) -> Report:
    """Return what --format, --output and --json mean together; raises :class:`click.UsageError`."""
    if as_json and form not in (None, "json") and not outputs:
        raise click.UsageError("--json and --format say different things: give one of them")
    printed = "json" if as_json else "text" if outputs else form or "text"
    return Report(printed, tuple((path, form or _form_of(path)) for path in outputs))


def render(review: Review, form: str) -> str:
    """Return the plan in one of its forms."""
    return _RENDERERS[form](review)


def write(path: Path, content: bytes, mode: int) -> None:
    """Write a file in one step; raises :class:`CommandError`."""
    try:
        write_atomic(path, content, mode)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from error


def _form_of(path: Path) -> str:
    form = _BY_ENDING.get(path.suffix.lower())
    if form is None:
        endings = ", ".join(_BY_ENDING)
        raise click.UsageError(f"{path} has none of the endings {endings}: say with --format what to write")
    return form
