"""The guard on a stack: its limits from the stack's config, and the command that would override it."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from voiceid_optout.cli.errors import CommandError
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.plan.digest import Purpose, short
from voiceid_optout.plan.errors import LimitsError
from voiceid_optout.plan.guard import check
from voiceid_optout.plan.limits import parse

if TYPE_CHECKING:
    from voiceid_optout.cli.context import Context
    from voiceid_optout.cli.session import Choices
    from voiceid_optout.plan import Review
    from voiceid_optout.plan.guard import Limits, Refusal

KEY = "guard"


def limits(context: Context) -> Limits:
    """Return the limits the stack's file sets; raises :class:`CommandError` that names the file and the key."""
    try:
        return parse(context.setting(KEY))
    except LimitsError as error:
        raise CommandError(f"{context.settings.path.name}: {context.project.name}:{KEY} {error}") from error


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
