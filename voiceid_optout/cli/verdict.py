"""May a plan be done? One pure judgement: of the guard with the stack's limits, and of what was approved before."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.plan import PlanError, Purpose, approves, differences, short
from voiceid_optout.plan.guard import check
from voiceid_optout.plan.render_text import step_lines

if TYPE_CHECKING:
    from voiceid_optout.cli.running import RunOptions
    from voiceid_optout.cli.session import Choices
    from voiceid_optout.plan import Scope
    from voiceid_optout.plan.guard import Limits
    from voiceid_optout.plan.render_json import SavedPlan
    from voiceid_optout.plan.review import Review


@dataclass(frozen=True, slots=True)
class Approval:
    """``digest`` is what --approve says, in whole or its first digits; ``saved`` is the plan of --plan."""

    digest: str | None = None
    saved: SavedPlan | None = None
    path: Path | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is anything to keep to; then nobody needs to be asked any more."""
        return self.digest is not None or self.saved is not None

    def require_scope(self, scope: Scope) -> None:
        """Raise :class:`CommandError` if the saved plan is for another stack or another command."""
        if self.saved is not None:
            try:
                self.saved.require(scope)
            except PlanError as error:
                raise CommandError(f"{self.path} {error}", ExitCode.USAGE) from error


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a plan may be done. ``review`` carries what the guard says of it.

    ``code`` is None for what may be done, else STALE or REFUSED, with the ``reason`` for people. ``differences``
    are lines: what sets the plan apart from the one that was saved. ``overridden`` is what the guard would refuse
    of a plan that was approved all the same. ``asks`` says that somebody has still to agree.
    """

    review: Review
    code: ExitCode | None = None
    reason: str = ""
    differences: tuple[str, ...] = ()
    overridden: str = ""
    asks: bool = False

    def require(self) -> None:
        """Raise :class:`CommandError` for what may not be done."""
        if self.code is not None:
            raise CommandError(self.reason, self.code)


def judge(review: Review, limits: Limits, approval: Approval, override: str) -> Verdict:
    """Say whether a plan may be done; ``override`` is the command that does exactly this one."""
    refusal = check(review.plan, limits, review.digest, override)
    review = replace(review, refusal=refusal)
    digest, saved = approval.digest, approval.saved
    if saved is not None and saved.digest != review.digest:
        return _stale(review, saved.digest, override, _differences(saved, review))
    if digest is not None and not approves(digest, review.digest):
        return _stale(review, digest, override)
    # A saved plan proves that nothing else is done; only naming the digest says that somebody wants it.
    if refusal is not None and digest is None:
        reason = (
            f"refused by the guard, nothing was changed: {refusal.reasons}. "
            f"If exactly this is meant: {refusal.override}"
        )
        return Verdict(review, ExitCode.REFUSED, reason)
    overridden = "" if refusal is None else refusal.reasons
    return Verdict(review, overridden=overridden, asks=bool(review.plan.steps) and not approval.is_given)


def _stale(review: Review, reviewed: str, override: str, differences: tuple[str, ...] = ()) -> Verdict:
    reason = f"the plan is stale, nothing was changed: {short(reviewed)} was reviewed, and "
    if review.plan.steps:
        reason += f"what would be done now is {short(review.digest)}. Review that, then: {override}"
    else:
        reason += "nothing is left to do now"
    return Verdict(review, ExitCode.STALE, reason, differences)


def _differences(saved: SavedPlan, review: Review) -> tuple[str, ...]:
    found = differences(saved.plan, review.plan)
    sides = (
        ("Only in the reviewed plan:", found.only_reviewed, saved.places),
        ("Only in the present one:", found.only_present, review.places),
    )
    return tuple(line for title, steps, places in sides if steps for line in (title, *step_lines(steps, places)))


def override(purpose: Purpose, choices: Choices, options: RunOptions, digest: str) -> str:
    """Return the command line that does exactly the plan with this digest.

    It repeats the options that decide what is planned: with others the plan would be another.
    """
    words = ["optout", purpose.value, "--stack", choices.stack]
    if choices.root != Path():
        words += ["--cwd", str(choices.root)]
    if not options.refresh:
        words.append("--no-refresh")
    if options.trust_state:
        words.append("--trust-state")
    for label in options.targets:
        words += ["--target", label]
    return shlex.join([*words, "--approve", short(digest)])
