"""What allows a run: a digest or a saved plan that was approved before, and the guard with the stack's limits."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.output import echo
from voiceid_optout.plan import PlanError, Purpose, approves, differences, short
from voiceid_optout.plan.guard import check
from voiceid_optout.plan.render_json import parse_saved
from voiceid_optout.plan.render_text import step_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.cli.session import Choices
    from voiceid_optout.plan import Scope, Step
    from voiceid_optout.plan.guard import Limits, Refusal
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

    def require(self, review: Review, override: str) -> None:
        """Say what differs and raise :class:`CommandError`, code STALE, unless this is the approved plan."""
        if self.saved is not None and self.saved.digest != review.digest:
            _tell(self.saved, review)
            raise _stale(short(self.saved.digest), review, override)
        if self.digest is not None and not approves(self.digest, review.digest):
            raise _stale(short(self.digest), review, override)


def read(digest: str | None, path: Path | None) -> Approval:
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


def _tell(saved: SavedPlan, review: Review) -> None:
    found = differences(saved.plan, review.plan)
    _list("Only in the reviewed plan:", found.only_reviewed, saved.places)
    _list("Only in the present one:", found.only_present, review.places)


def _list(title: str, steps: tuple[Step, ...], places: Mapping[str, str]) -> None:
    if steps:
        for line in [title, *step_lines(steps, places)]:
            echo(line, err=True)


def _stale(reviewed: str, review: Review, override: str) -> CommandError:
    found = f"the plan is stale, nothing was changed: {reviewed} was reviewed, and "
    if review.plan.steps:
        found += f"what would be done now is {short(review.digest)}. Review that, then: {override}"
    else:
        found += "nothing is left to do now"
    return CommandError(found, ExitCode.STALE)


def guarded(review: Review, limits: Limits, choices: Choices, *, refresh: bool = True) -> Review:
    """Return the review with what the guard says about it."""
    command = override(review.scope.purpose, choices, review.digest, refresh=refresh)
    return replace(review, refusal=check(review.plan, limits, review.digest, command))


def override(purpose: Purpose, choices: Choices, digest: str, *, refresh: bool = True) -> str:
    """Return the command line that does exactly the plan with this digest.

    It repeats the options that decide what is planned: with others the plan would be another.
    """
    words = ["optout", purpose.value, "--stack", choices.stack]
    if choices.root != Path():
        words += ["--cwd", str(choices.root)]
    if not refresh:
        words.append("--no-refresh")
    if choices.trust_state:
        words.append("--trust-state")
    for label in choices.targets:
        words += ["--target", label]
    return shlex.join([*words, "--approve", short(digest)])


def refused(refusal: Refusal) -> CommandError:
    """Return the error that ends a command which the guard refuses."""
    return CommandError(
        f"refused by the guard, nothing was changed: {refusal.reasons}. "
        f"If exactly this is meant: {refusal.override}",
        ExitCode.REFUSED,
    )
