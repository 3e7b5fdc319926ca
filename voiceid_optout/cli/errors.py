"""Turns an error into one clear line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.output import echo
from voiceid_optout.engine.messages import DEBUG_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator


class CommandError(Exception):
    """Ends a command: a sentence for people and the code for scripts."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        self.code = code
        super().__init__(message)


@contextmanager
def reported() -> Iterator[None]:
    """Report what goes wrong in a run, as :func:`reported_errors` does, and an interrupt or a SIGTERM too."""
    try:
        with _terminated_as_interrupted(), reported_errors():
            yield
    except KeyboardInterrupt:
        _leave(["interrupted; run the command again to go on"], ExitCode.FAILED)


@contextmanager
def reported_errors() -> Iterator[None]:
    """Print what went wrong on standard error and leave with its code; never a traceback."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise  # click's own: it shows them
    except Exception as error:
        verdict = _verdict(error)
        if verdict is None and os.environ.get(DEBUG_VARIABLE):
            raise
        _leave(*(verdict or ([_unforeseen(error)], ExitCode.FAILED)))


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: what was done is written down, and what was started is ended."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _verdict(error: Exception) -> tuple[list[str], ExitCode] | None:
    """Return what to say, the last line being the sum of it, and the code; None for what nobody foresaw."""
    from voiceid_optout.register.faults import RegisterError, RegisterInvalid  # noqa: PLC0415
    from voiceid_optout.state import StackError, StackLockedError  # noqa: PLC0415 - not for --help

    match error:
        case CommandError():
            return [str(error)], error.code
        case RegisterInvalid():
            faults = [str(fault) for fault in error.faults]
            count = f"{len(faults):,} fault{'' if len(faults) == 1 else 's'}"
            return [*faults, f"the register has {count}; nothing was changed"], ExitCode.REGISTER_INVALID
        case StackLockedError():
            return [str(error)], ExitCode.LOCKED
        case StackError() | RegisterError():
            return [str(error)], ExitCode.FAILED
    return None


def _unforeseen(error: Exception) -> str:
    """Say where an error came from, without its message: that may carry anything, even an identifier."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return (
        f"unforeseen: {reason} at {Path(last.filename).name}:{last.lineno}. This is a fault of optout; "
        f"{DEBUG_VARIABLE}=1 shows all of it, which may include identifiers"
    )


def _leave(lines: list[str], code: ExitCode) -> NoReturn:
    for line in lines[:-1]:
        echo(line, err=True)
    echo(f"error: {lines[-1]}", err=True)
    sys.exit(code)
