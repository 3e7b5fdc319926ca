"""What the commands that write to the forge share: options, the texts they are given, and the last check."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.known import matcher, unknown_words
from voiceid_optout.cli.options import stack_options
from voiceid_optout.cli.output import echo, result, standard_input
from voiceid_optout.forge import ForgeError, IdentifierInText, NotReviewed, OptionInvalid
from voiceid_optout.forge.client import GitHub, GitHubSettings, RetryPolicy, commit, run_url
from voiceid_optout.forge.identifiers import Matcher
from voiceid_optout.forge.texts import Origin
from voiceid_optout.register.faults import RegisterInvalid
from voiceid_optout.state import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voiceid_optout.forge.client import Event

FAULTS_SHOWN = 50
MOST_BYTES = 16 * 1024 * 1024  # a text that is read to be cut to 65,536 characters

_REPO = click.option(
    "--repo",
    "repository",
    metavar="OWNER/NAME",
    help="The repository on GitHub.  [default: GITHUB_REPOSITORY]",
)
_COMMIT = click.option(
    "--commit",
    metavar="ID",
    help="The commit this is about, in full.  [default: the pull request's newest, else GITHUB_SHA]",
)
_TEXT = click.Path(path_type=Path, dir_okay=False, exists=True, allow_dash=True)
_BODY = click.option("--body-file", type=_TEXT, help="The text, in Markdown; - reads standard input.")
_LOG = click.option("--log-file", type=_TEXT, help="A text for terminals, shown unchanged; - reads standard input.")

repository_options = (*stack_options, _REPO, _COMMIT)
posting_options = (*repository_options, _BODY, _LOG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the shared options say."""

    root: Path
    stack: str
    repository: str | None
    commit: str | None
    body_file: Path | None = None
    log_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """What is to be shown: Markdown, and lines for terminals."""

    body: str = field(repr=False)
    log: str = field(repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.body.strip() or self.log.strip())


def read_texts(choices: Choices) -> Texts:
    """Read both files; raises CommandError for what cannot be read."""
    if choices.body_file and choices.log_file and str(choices.body_file) == str(choices.log_file) == "-":
        raise CommandError(
            "standard input is read once: give one of --body-file and --log-file a file", ExitCode.USAGE
        )
    return Texts(_read(choices.body_file), _read(choices.log_file))


def _read(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        if str(path) == "-":
            raw = standard_input().read(MOST_BYTES + 1)
        else:
            with path.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > MOST_BYTES:
        raise CommandError(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MiB: that is no plan")
    # What is no UTF-8 can only be part of a message: a comment with a mark in it beats none.
    return raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\x00", "")


def origin(choices: Choices, event: Event, environ: Mapping[str, str]) -> Origin:
    """Return what a text says of where it comes from."""
    found = choices.commit or event.head or environ.get("GITHUB_SHA")
    return Origin(choices.stack, commit(found) if found else None, run_url(environ))


def speakers(choices: Choices) -> Matcher:
    """Return what finds the identifiers of register and state; raises what loading the register raises.

    A job that posts may do without the passphrase: then it says that it knows the register's alone.
    """
    found, why = matcher(contexts.find(choices.root, choices.stack), {}, frozenset())
    if why:
        echo(unknown_words(why), err=True)
    return found


def of_failure(choices: Choices, given: Texts, failed: str) -> tuple[Texts, Matcher, str]:
    """Return what may be said of a failure.

    Against a register that cannot be read no text can be checked: then its faults, which carry nothing of what the
    files say, stand in for what was given.
    """
    try:
        return given, speakers(choices), failed
    except RegisterInvalid as error:
        shown = [str(fault) for fault in error.faults[:FAULTS_SHOWN]]
        if left := len(error.faults) - len(shown):
            shown.append(f"… and {left:,} more")
        return Texts("", "\n".join(shown)), Matcher({}), "The register is invalid."
    except (StackError, CommandError) as error:
        return Texts("", ""), Matcher({}), f"The project's files cannot be used: {error}"


@contextmanager
def forge(choices: Choices) -> Iterator[GitHub]:
    """Give the repository on GitHub; the package's errors become errors of the command."""

    def say(message: str) -> None:
        echo(message, err=True)

    try:
        with GitHub(GitHubSettings.resolve(os.environ, choices.repository), RetryPolicy(say=say)) as github:
            yield github
    except ForgeError as error:
        raise CommandError(str(error), _code(error)) from error


def _code(error: Exception) -> ExitCode:
    match error:
        case OptionInvalid():
            return ExitCode.USAGE
        case IdentifierInText():
            return ExitCode.REFUSED
        case NotReviewed():
            return ExitCode.STALE
    return ExitCode.FAILED


def tell(posted: Any, what: str) -> None:
    """Print what was done and where it is."""
    result(f"{what} {posted.done}: {posted.url}")
