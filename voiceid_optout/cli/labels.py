"""``optout labels``: which key a stack's labels are made with, who makes a missing one, and how it is changed."""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.config import full_key, new_key, store
from voiceid_optout.cli.context import LABEL_KEY, PREVIOUS_LABEL_KEY
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.known import StateSealedError, raw_state
from voiceid_optout.cli.options import stack_options, with_options
from voiceid_optout.cli.output import echo, reported
from voiceid_optout.config import Guardrails
from voiceid_optout.speakers import DOMAIN_IS_KEY, GUESSABLE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceid_optout.cli.context import Context


@click.group(name="labels")
def command() -> None:
    """Labels stand for people in plans, logs and names of resources. They are keyed hashes; the key is a secret.

    \b
    Example: the key was seen by somebody who should not have
      $ optout labels rotate --stack production
      $ optout preview --stack production         everybody moves to a new label; no opt-out changes
      $ optout up --stack production              moves them, and removes the old key from the file

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """  # noqa: D301 - click's own mark for "do not wrap"


@command.command(name="rotate")
@with_options(*stack_options)
def rotate_command(**choices: Any) -> None:
    """Give the labels a new random key. The next `optout up` moves everybody, and makes no call to the service.

    Until then the stack file contains both keys, the old one as previousLabelKey. An interrupted run continues
    where it ended.

    Exit codes: 0 done, 1 failed, 2 wrong usage.
    """
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        echo(rotate(context))


@command.command(name="finish")
@with_options(*stack_options)
def finish_command(**choices: Any) -> None:
    """Remove the old key from the stack file, after an `up` on a runner has moved everybody.

    An `up` on your own machine does this itself. While somebody still has an old label, nothing is changed.

    Exit codes: 0 done, 1 failed or too early, 2 wrong usage.
    """
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        refuse_runner(context, "labels finish")
        words = finish(context, context.environment)
        if words is None:
            raise CommandError(f"{context.settings.path.name} has no {PREVIOUS_LABEL_KEY}", ExitCode.USAGE)
        if contexts.find(choices["root"], choices["stack"]).config.changes_label_key:
            raise CommandError(words)
        echo(words)


_PEOPLE = b"dynamic/voiceid:OptedOutSpeaker"  # in the URN of each resource that stands for people
# In names of resources and texts of shards, and not in ids: those of released people change with the next read.
_LABEL = re.compile(rb'(?:::|"|\\n)(sp-[0-9a-f]{16})(?=[" ])')


class Missing(Enum):
    """What a command does where a stack has no label key yet."""

    MAKE = auto()  # it writes the stack file anyhow
    REFUSE = auto()  # it writes nothing, and its labels would not be those of the stack
    LEAVE = auto()  # it runs no program, so it names nobody anew


def in_ci(environment: Mapping[str, str]) -> bool:
    """Tell whether this is a runner, which forgets the files it writes."""
    return environment.get("CI", "").lower() not in ("", "0", "false")


def provided(
    context: Context, environment: Mapping[str, str], missing: Missing, say: Callable[[str], None]
) -> tuple[Context, dict[str, str]]:
    """Return the stack with a label key, and the variables that its program needs.

    A stack that is no sandbox and has nobody yet gets a random key or is refused, as ``missing`` says. One that has
    run without keeps its labels, and ``say`` gets a warning. Raises :class:`CommandError`, code USAGE.
    """
    if (
        missing is Missing.LEAVE
        or context.is_sandbox
        or context.config.has_label_key
        or context.config.guessable_labels
        or context.config.guardrails is Guardrails.ONLY
    ):
        return context, {}
    try:
        has_people = _PEOPLE in raw_state(context, environment)
    except StateSealedError as error:
        raise CommandError(
            f"{_absent(context)}, and whether it has run before cannot be told: {error}. For a new stack: "
            f"{_set_key(context)}. For one that has run without: optout labels rotate --stack {context.stack}",
            ExitCode.USAGE,
        ) from None
    if has_people:
        say(
            "warning: whoever sees a label of this stack can find out whose it is, because the label key is the "
            f"domain's id: optout labels rotate --stack {context.stack} gives them a secret one and touches nobody"
        )
        return context, {GUESSABLE_VARIABLE: "true"}
    if missing is Missing.REFUSE or in_ci(context.environment):
        why = " (a runner would forget one that it makes)" if in_ci(context.environment) else ""
        raise CommandError(
            f"{_absent(context)}, without which labels could be guessed{why}: {_set_key(context)}, then commit "
            f"{context.settings.path.name}",
            ExitCode.USAGE,
        )
    store(context, {full_key(context, LABEL_KEY): new_key()}, secret=frozenset({full_key(context, LABEL_KEY)}))
    say(f"Made a secret key for the labels of this stack in {context.settings.path.name}: commit that file.")
    return contexts.find(context.project.root, context.stack, context.environment), {}


def _absent(context: Context) -> str:
    return f"{context.settings.path.name} has no {full_key(context, LABEL_KEY)}"


def _set_key(context: Context) -> str:
    return f"type `optout config set --secret {LABEL_KEY} --random --stack {context.stack}`"


def rotate(context: Context) -> str:
    """Give the labels another key, which takes effect with the next ``up``; returns what to do next.

    Raises :class:`CommandError` where a change is under way already, in a sandbox, and on a runner.
    """
    refuse_runner(context, "labels rotate")
    if context.config.changes_label_key:
        raise CommandError(
            f"the labels change their key already: run optout up --stack {context.stack} for everybody, "
            "which ends it",
            ExitCode.USAGE,
        )
    key, previous = full_key(context, LABEL_KEY), full_key(context, PREVIOUS_LABEL_KEY)
    current = contexts.label_keys(context, context.environment).current
    values = {key: new_key(), previous: current or DOMAIN_IS_KEY}
    store(context, values, secret=frozenset({key, previous} if current else {key}))
    name = context.settings.path.name
    return (
        f"Changed the label key in {name}. The next optout up --stack {context.stack} moves everybody to new "
        f"labels and touches nobody in the service. Review its plan, and commit {name}."
    )


def refuse_runner(context: Context, command: str) -> None:
    """Raise :class:`CommandError` on a runner: what it writes into the stack file would be forgotten."""
    if in_ci(context.environment):
        raise CommandError(
            f"{command} changes {context.settings.path.name}, and a runner would forget that: run it on your own "
            "machine and commit the file",
            ExitCode.USAGE,
        )


def finish(context: Context, environment: Mapping[str, str]) -> str | None:
    """End a change of key once nobody has a label of before any more; returns what to say, if anything.

    On a runner the file stays as it is, because the change would be forgotten. Raises :class:`CommandError` where
    the state cannot be read.
    """
    if not context.config.changes_label_key:
        return None
    try:
        left = set(_LABEL.findall(raw_state(context, environment)))
    except StateSealedError as error:
        raise CommandError(f"whether everybody has a new label cannot be told: {error}") from None
    keys = contexts.label_keys(context, environment)
    old = {found.encode() for entry in context.register.entries if (found := keys.previous_label(entry))}
    count = len(left & old)
    name = context.settings.path.name
    if count:
        people = "1 person has" if count == 1 else f"{count:,} people have"
        return f"{people} a label of before still: run optout up again"
    if in_ci(context.environment):
        command = f"optout labels finish --stack {context.stack}"
        return f"Everybody has a new label: run {command} where {name} can be committed."
    store(context, {full_key(context, PREVIOUS_LABEL_KEY): None})
    return f"Everybody has a new label: took {PREVIOUS_LABEL_KEY} out of {name}. Commit that file."
