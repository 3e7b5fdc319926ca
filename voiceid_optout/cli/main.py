"""The command line: ``optout``. A command is imported when it is used."""

from __future__ import annotations

import atexit
import gc
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli.options import LazyGroup
from voiceid_optout.cli.output import lasting, reported_errors
from voiceid_optout.foreign_text import printable
from voiceid_optout.speakers import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

COMMANDS = {
    "init": ("init:command", "Make a repository for a register."),
    "validate": (
        "validate:command",
        "Check a register: directories of YAML files, or single files.",
    ),
    "add": ("editing:add_command", "Put people on the register."),
    "release": ("editing:release_command", "Withdraw people's opt-outs, with a reason."),
    "adopt": ("adopt:command", "Add people to the register who are opted out in the service."),
    "preview": ("preview:preview_command", "Show what `up` would do."),
    "up": ("up:up_command", "Make the service match the register."),
    "drift": ("preview:drift_command", "Check that the service still matches the register."),
    "report": ("report:command", "Tell of everybody when the objection came and when it was applied."),
    "refresh": ("preview:refresh_command", "Make the state match the service."),
    "show": ("show:show_command", "Tell the story of one person: since when, by whom, what holds now."),
    "label": ("show:label_command", "Print the label of a person."),
    "who": ("show:who_command", "Print where the register lists the person of a label."),
    "destroy": (
        "up:destroy_command",
        "Stop managing everybody; opt-outs stay in the service.",
    ),
    "comment": ("forge:comment_command", "Show a plan on its pull request."),
    "approved": ("forge:approved_command", "Print the digest that was reviewed."),
    "issue": ("forge:issue_command", "Keep one issue open while a stack has drifted."),
    "receipt": ("receipts:receipt_command", "Take one person's proof out of a report."),
    "verify": ("verify:command", "Check reports and receipts, without network or stack."),
    "config": ("config:command", "Read and change a stack file, including secrets."),
    "labels": ("labels:command", "Change the label key."),
    "keys": ("keys:command", "Make and show the key that signs reports."),
    "passphrase": ("upkeep:passphrase_command", "Change the passphrase of a stack."),
    "serve": ("serve:command", "Run the Voice ID-compatible service."),
    "env": ("shell:env_command", "Print shell exports for the raw Pulumi CLI."),
    "doctor": ("doctor:doctor_command", "Check everything that a run needs."),
    "unlock": ("upkeep:unlock_command", "Remove the lock of a run that has died."),
    "completion": (
        "shell:completion_command",
        "Print a script that completes commands in your shell.",
    ),
}


# Nobody needs the memory back: to look through it once more at the end takes a tenth of a short run.
atexit.register(gc.freeze)

_SHORTEST = 4  # below it a word is looked for in quotes alone: click's own words have such letters too


class _Program(LazyGroup):
    def main(self, *args: Any, **kwargs: Any) -> Any:
        with lasting():
            return super().main(*args, **kwargs)

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> click.Context:
        words = tuple(args)
        with _unechoed(words):
            context = super().make_context(info_name, args, *rest, **extra)
        context.meta[__name__] = words
        return context

    def invoke(self, ctx: click.Context) -> Any:
        with reported_errors(), _unechoed(ctx.meta[__name__]):
            return super().invoke(ctx)


@contextmanager
def _unechoed(words: Sequence[str]) -> Iterator[None]:
    """Keep arguments out of click's errors, which quote them: people pass identifiers, and logs keep errors."""
    try:
        yield
    except click.UsageError as error:
        values = [*_values(words), *_of_environment(error)]
        if isinstance(error, click.NoSuchOption):
            values.append(error.option_name)
        error.message = printable(without_arguments(error.message, values))  # type: ignore[misc]  # no other way
        raise


def without_arguments(message: str, values: Iterable[str]) -> str:
    """Return a message with ``…`` for each value it quotes; a label, which plans show anyhow, may stay."""
    given = {value for value in values if value and not LABEL.fullmatch(value)}
    given |= {value.lstrip("0") for value in given} - {""}  # as a number has it
    for value in sorted(given, key=len, reverse=True):
        quoted = {repr(value), f'"{value}"', f"'{value}'"}
        message = re.sub("|".join(map(re.escape, quoted)), "'…'", message)
        if len(value) >= _SHORTEST:
            message = re.sub(rf"(?<![\w-]){re.escape(value)}(?![\w-])", "…", message)
    return message


def _values(words: Sequence[str]) -> Iterator[str]:
    """Yield what the words of a command line may give away: all but names of options and commands."""
    for word in words:
        if word.startswith("--"):
            yield word.partition("=")[2]
        elif word.startswith("-"):
            yield word[2:]  # -p7
        elif word not in COMMANDS:
            yield word


def _of_environment(error: click.UsageError) -> Iterator[str]:
    command = error.ctx.command if error.ctx is not None else None
    for parameter in command.params if command is not None else ():
        names = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or ()
        yield from (os.environ.get(name, "") for name in names)


@click.group(
    cls=_Program,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 116},
)
@click.version_option(package_name="voiceid-optout", prog_name="optout")
def main() -> None:
    """Keep people who said so opted out of recognition by voice.

    The register in config/ lists them, and the service is brought to what it says.

    \b
    A first look, in an empty folder:
      $ optout init --sandbox
      $ optout up

    \b
    Every day, in the project's folder:
      $ optout validate        is the register all right?
      $ optout preview         what would change?
      $ optout up              change it
      $ optout drift           does it still hold?

    \b
    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 register invalid, 4 changes planned,
    5 drift, 6 refused by the guard, 7 plan stale, 8 locked, 9 applied in part, 10 overdue, 11 not verified,
    130 ended by a second Ctrl-C.
    """  # noqa: D301 - click's own mark for "do not wrap"
