"""Turns an error into one clear line and an exit code."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from optout.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator


class CommandError(Exception):
    """Ends a command: a sentence for people and the code for scripts."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        self.code = code
        super().__init__(message)


@contextmanager
def reported() -> Iterator[None]:
    """Print what went wrong on standard error and leave with its code; never a traceback."""
    from optout.engine.errors import EngineError, StackLockedError  # noqa: PLC0415 - not for --help
    from optout.register import RegisterInvalid  # noqa: PLC0415

    try:
        yield
    except CommandError as error:
        _leave(str(error), error.code)
    except RegisterInvalid as error:
        for fault in error.faults:
            click.echo(str(fault), err=True)
        _leave(f"the register has {len(error.faults)} fault(s); nothing was changed", ExitCode.REGISTER_INVALID)
    except StackLockedError as error:
        _leave(str(error), ExitCode.LOCKED)
    except EngineError as error:
        _leave(str(error), ExitCode.FAILED)
    except KeyboardInterrupt:
        _leave("interrupted; run the command again to go on", ExitCode.FAILED)


def _leave(message: str, code: ExitCode) -> None:
    click.echo(f"error: {message}", err=True)
    sys.exit(code)
