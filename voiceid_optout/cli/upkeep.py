"""``optout passphrase`` and ``optout unlock``: what is done to a stack by hand, to its seal and to its lock."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voiceid_optout.cli import context as contexts
from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.options import require_answer, stack_options, with_options, yes_option
from voiceid_optout.cli.output import confirmed, echo, reported, result
from voiceid_optout.engine.interface import place_of
from voiceid_optout.plan.review import clean
from voiceid_optout.state import checkpoint as checkpoints
from voiceid_optout.state.backend import Backend, hold_lock, read_locks, remove_lock
from voiceid_optout.voiceid.place import SANDBOX_PASSPHRASE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voiceid_optout.cli.context import Context
    from voiceid_optout.state.backend import Lock
    from voiceid_optout.state.passphrase import Crypter


NEW_VARIABLE = "OPTOUT_NEW_PASSPHRASE"


@click.group(name="passphrase")
def passphrase_command() -> None:
    """The passphrase seals the identifiers in a stack's state and the secrets in its file.

    \b
    Example
      $ optout passphrase rotate --stack production --new-file new-passphrase

    Exit codes: 0 done, 1 failed, 2 wrong usage, 8 locked.
    """  # noqa: D301 - click's own mark for "do not wrap"


@passphrase_command.command(name="rotate")
@with_options(*stack_options)
@click.option(
    "--new-file",
    metavar="FILE",
    help=f"The file with the new passphrase, - for standard input.  [default: {NEW_VARIABLE}, or a question]",
)
def rotate(*, new_file: str | None, **choices: Any) -> None:
    """Seal the stack file and its state with another passphrase.

    The current passphrase comes from PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE, as always. If the
    command is interrupted between the two files, run it again with the same two passphrases, and it continues.

    Backups and the records of earlier runs stay sealed with the old passphrase: keep it as long as you keep them.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 8 locked.
    """
    from voiceid_optout.state import passphrase  # noqa: PLC0415

    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        _require_folder(context)
        contexts.require_shell(context)
        old = passphrase.find(context.environment)
        new = _new(new_file, context)
        if new == old:
            raise CommandError("the new passphrase is the present one; nothing was changed", ExitCode.USAGE)
        reseal(context, old, new, lambda words: echo(words, err=True))
        name = context.settings.path.name
        echo(f"Changed the passphrase of stack {context.stack}. Commit {name}, and change it in CI.")


def _require_folder(context: Context) -> None:
    name = context.settings.path.name
    if context.is_sandbox:
        raise CommandError(
            f"{name} is a sandbox, whose passphrase is public: there is none to change", ExitCode.USAGE
        )
    if context.remote_backend:
        raise CommandError(
            "the state is in no folder: change it with the Pulumi CLI, "
            f"pulumi stack change-secrets-provider passphrase --stack {context.stack}",
            ExitCode.USAGE,
        )


def _new(new_file: str | None, context: Context) -> str:
    if new_file == "-":
        text = sys.stdin.read()
    elif new_file is not None:
        try:
            text = Path(new_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8"
            raise CommandError(f"cannot read the new passphrase: {why}", ExitCode.USAGE) from None
    elif NEW_VARIABLE in context.environment:
        text = context.environment[NEW_VARIABLE]
    elif sys.stdin is not None and sys.stdin.isatty():
        text = str(click.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True))
    else:
        raise CommandError(f"no new passphrase: pass --new-file or set {NEW_VARIABLE}", ExitCode.USAGE)
    if text.strip() == SANDBOX_PASSPHRASE:
        raise CommandError("the new passphrase is the sandbox's, which everybody knows", ExitCode.USAGE)
    if not text.strip():
        raise CommandError("the new passphrase is empty; nothing was changed", ExitCode.USAGE)
    return text.strip()


def reseal(context: Context, old: str, new: str, report: Callable[[str], None]) -> None:
    """Seal the stack file and its state with a new passphrase, under the stack's lock.

    Each of the two files changes in one step. What has the new passphrase already, because an earlier call was cut
    short, stays as it is. Raises :class:`CommandError` and :class:`voiceid_optout.state.StackError`.
    """
    backend = Backend(context.backend(), context.project.name, context.stack)
    with hold_lock(backend.lock_folder, report):
        if backend.journal_file.exists():
            raise CommandError("a run was cut short: finish it first, with `optout refresh`")
        _reseal(context, backend, old, new)


def _reseal(context: Context, backend: Backend, old: str, new: str) -> None:
    from voiceid_optout.state import passphrase, stack_file  # noqa: PLC0415

    salt = context.settings.salt
    content = backend.read()
    raw = checkpoints.SealedCheckpoint() if content is None else checkpoints.parse(content, str(backend.state_file))
    if salt is None and raw.salt is None:
        raise CommandError("nothing is sealed yet: the first `up` takes whatever passphrase is set", ExitCode.USAGE)
    file_is, file_new = _opened(salt, old, new)
    state_is, state_new = _opened(raw.salt, old, new)
    target = file_new or state_new or passphrase.create(new)
    # Everything is opened before anything is written.
    state = None
    if raw.salt is not None and state_new is None:
        opened = raw.open(state_is.decrypt if state_is else str)
        state = checkpoints.render(context.stack, context.project.name, opened, target, datetime.now(UTC))
    path = context.settings.path
    text = None if file_new or file_is is None else stack_file.replaced(path, _texts(context, file_is, target))
    if state is not None:
        backend.write(state)
    if text is not None:
        stack_file.write(path, text)


def _opened(salt: str | None, old: str, new: str) -> tuple[Crypter | None, Crypter | None]:
    """Return the crypter of what a salt seals, and that again if it has the new passphrase."""
    from voiceid_optout.state import PassphraseError, passphrase  # noqa: PLC0415 - not for --help

    if salt is None:
        return None, None
    try:
        return passphrase.open_with(old, salt), None
    except PassphraseError:
        try:
            found = passphrase.open_with(new, salt)
        except PassphraseError:
            raise PassphraseError("the present passphrase is wrong; nothing was changed") from None
        return found, found


def _texts(context: Context, held: Crypter, target: Crypter) -> dict[str, str]:
    """Return the new text for each sealed one of the stack file, and for the salt."""
    sealed = {text: target.encrypt(held.decrypt(text)) for text in _sealed(dict(context.settings.config))}
    return {**sealed, str(context.settings.salt): target.salt_text}


def _sealed(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            yield str(value["secure"])
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _sealed(item)


@click.command(name="unlock")
@with_options(
    *stack_options,
    yes_option,
    click.option(
        "--force", is_flag=True, help="Remove it even if the process that holds it is alive on this machine."
    ),
)
def unlock_command(*, yes: bool, force: bool, **choices: Any) -> None:
    """Remove the lock of a run that has died, whichever engine it used.

    This shows who holds the lock and since when, and asks. If the lock is from this machine and its process has
    ended, you do not need this: the next run takes the lock over. If the process is alive, the command refuses,
    because the lock keeps two runs from writing one state. --force says that another process now has this number.

    \b
    Example
      $ optout unlock --stack production
      Stack production is locked by sam@runner-7 (pid 412) since 2026-03-02T03:23:11Z.
      Is that run gone for good, and may the lock be removed? [y/N]: y
      Unlocked stack production; the next run looks at what that one has done.

    Exit codes: 0 done, or not locked; 1 failed, 2 not confirmed, 8 the run that holds the lock is alive.
    """  # noqa: D301 - click's own mark for "do not wrap"
    require_answer(yes=yes)
    with reported():
        context = contexts.find(choices["root"], choices["stack"])
        if context.remote_backend:
            raise CommandError(
                f"the state and its lock are in {place_of(context.remote_backend)}, where only the Pulumi CLI gets "
                f"at them: run `pulumi cancel --stack {context.stack}`",
                ExitCode.USAGE,
            )
        held = list(read_locks(Backend(context.backend(), context.project.name, context.stack).lock_folder))
        for lock in held:
            echo(f"Stack {context.stack} is locked by {_words(lock)}.")
        if not held:
            result(f"Stack {context.stack} is not locked.")
            return
        if (alive := next((lock for lock in held if lock.is_alive), None)) is not None and not force:
            raise CommandError(
                f"process {alive.pid} is alive on this machine: wait for that run, or end it. If it is another "
                "program that has got the number, --force removes the lock",
                ExitCode.LOCKED,
            )
        if not yes and not confirmed("Is that run gone for good, and may the lock be removed?"):
            raise CommandError("not confirmed; the lock is still there", ExitCode.USAGE)
        for lock in held:
            remove_lock(lock)
        result(f"Unlocked stack {context.stack}; the next run looks at what that one has done.")


def _words(lock: Lock) -> str:
    # A lock is a file that somebody else has written: nothing in it may reach a terminal as it is.
    return f"{clean(lock.holder)} since {clean(lock.since) or 'an unknown time'}"
