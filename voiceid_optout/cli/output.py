"""The edge where text leaves the program: whatever is printed, asked or reported as an error passes through here.

Every text is safe for who reads it and can be written, and a reader or a disk that fails ends no work: output that
cannot be written is dropped from there on, and told once at the end. So nothing that a command prints can make a
failure of what it does.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import signal
import sys
import termios
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, Protocol

import click

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.engine.messages import DEBUG_VARIABLE
from voiceid_optout.foreign_text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text on standard output or, with ``err``, on standard error.

    ``click.echo`` is for what must leave letter for letter: a script for a shell, a runner's commands, a new key.
    """
    click.echo(printable(text), err=err, nl=nl)  # noqa: TID251 - the one place


class Console(Protocol):
    """Where lines for people go; rich's own console is one. ``style`` is one of rich's: a colour, bold, dim."""

    @property
    def is_terminal(self) -> bool:
        """Whether somebody looks on: styles and a bar that moves are for them alone."""

    @property
    def width(self) -> int:
        """Columns of the terminal."""

    def print(self, text: str | Text, /, *, style: str = "") -> None:
        """Print a line that is safe already, see :func:`printable`."""


@dataclass(frozen=True, slots=True)
class PlainConsole:
    """What is no terminal, such as a file or the log of CI; with ``quiet`` nothing is printed.

    It needs nothing of rich, whose import is almost a fifth of what a preview imports.
    """

    err: bool = False
    quiet: bool = False
    is_terminal: bool = field(default=False, init=False)
    width: int = field(default=80, init=False)

    def print(self, text: str | Text, /, *, style: str = "") -> None:  # noqa: ARG002 - a style is for terminals
        """Print a line."""
        if not self.quiet:
            echo(str(text), err=self.err)


def console_of(*, err: bool = False) -> Console:
    """Return the console of standard output or, with ``err``, of standard error."""
    if not (sys.stderr if err else sys.stdout).isatty() and not any(map(os.environ.get, _LIKE_TERMINALS)):
        return PlainConsole(err)
    from rich.console import Console as RichConsole  # noqa: PLC0415 - see PlainConsole

    return RichConsole(stderr=err, highlight=False, markup=False, emoji=False, soft_wrap=True)


_LIKE_TERMINALS = ("FORCE_COLOR", "TTY_COMPATIBLE")  # with these, rich writes colours into files too


HANDLER = "optout-plain"
_PLAIN = {"·": ".", "±": "x", "…": "..."}


def plain(error: UnicodeError) -> tuple[str, int]:
    """Replace what cannot be encoded by plain letters, as an error handler of :mod:`codecs`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


class _Descriptor(io.FileIO):
    """A file descriptor whose first failed write ends the output; later ones are dropped."""

    def __init__(self, number: int, *, is_open: bool = True) -> None:
        super().__init__(number, "w", closefd=False)
        self.failure: OSError | None = None
        self.result = ""
        self._is_open = is_open

    def write(self, data: Any, /) -> int:
        """Write some of the bytes, or pretend to."""
        while self.failure is None:
            try:
                if not self._is_open:
                    raise OSError(errno.EBADF, "it is closed")  # noqa: TRY301 - as the system would say it
                if (written := super().write(data)) is not None:
                    return written
                select.select([], [self], [])  # somebody made it non-blocking: wait for room
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes


@contextmanager
def lasting() -> Iterator[None]:
    """Let output outlast its reader for the time of the block, and end with one clear line where it did not arrive.

    The exit code is the command's own, and FAILED where that would be DONE. Streams that are no files (a test's)
    only learn to write every text.
    """
    codecs.register_error(HANDLER, plain)
    _occupy()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _lasting(sys.stdout, 1), _lasting(sys.stderr, 2)
    try:
        yield
    except SystemExit as end:
        if _tell() and not end.code:
            raise SystemExit(ExitCode.FAILED) from None
        raise
    else:
        if _tell():
            raise SystemExit(ExitCode.FAILED)
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = before


def result(text: str) -> None:
    """Print what a command has done; it is told on standard error too, should standard output not take it."""
    remember(text)
    echo(text)


def remember(text: str) -> None:
    """Keep what a command has done for the line that says that standard output has failed."""
    if (descriptor := _descriptor(sys.stdout)) is not None:
        descriptor.result = text


def require_written() -> None:
    """Raise :class:`CommandError` unless all that was printed has left: before what must not be lost is kept."""
    sys.stdout.flush()
    if (failure := _failure()) is not None:
        raise CommandError(f"standard output cannot be written ({failure.strerror}); nothing was changed")


def confirmed(question: str, *, err: bool = False) -> bool:
    """Ask on the terminal; Ctrl-C and Ctrl-D are a no. What was typed before the question is no answer to it."""
    with suppress(termios.error, OSError):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
    try:
        return click.confirm(question, err=err)
    except click.Abort:
        echo(err=True)
        return False


def standard_input() -> IO[bytes]:
    """Return standard input as bytes; raises :class:`CommandError` if it is closed."""
    if sys.stdin is None:
        raise CommandError("standard input is closed: give the text on it, or name a file", ExitCode.USAGE)
    return sys.stdin.buffer


def _occupy() -> None:
    """Open nothing where a standard stream is closed: else the next file would get its number and its output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _lasting(stream: Any, number: int) -> Any:
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(_Descriptor(number, is_open=False)), "utf-8", HANDLER)
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors=HANDLER)
    try:
        descriptor = _Descriptor(stream.fileno())
    except (OSError, ValueError):
        return stream
    stream.flush()
    buffer = io.BufferedWriter(descriptor)
    return io.TextIOWrapper(buffer, stream.encoding, HANDLER, line_buffering=stream.line_buffering)


def _descriptor(stream: Any) -> _Descriptor | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, _Descriptor) else None


def _failure() -> OSError | None:
    descriptor = _descriptor(sys.stdout)
    return None if descriptor is None else descriptor.failure


def _tell() -> bool:
    """Say that standard output has failed; returns whether it has."""
    sys.stdout.flush()
    descriptor = _descriptor(sys.stdout)
    if descriptor is None or descriptor.failure is None:
        return False
    done = f"; this was done all the same: {descriptor.result}" if descriptor.result else ""
    echo(f"error: standard output cannot be written ({descriptor.failure.strerror}){done}", err=True)
    return True


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
        _leave(*(verdict or ([_unexpected(error)], ExitCode.FAILED)))


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: what was done is written down, and what was started is ended."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _verdict(error: Exception) -> tuple[list[str], ExitCode] | None:
    """Return what to say, the last line being the sum of it, and the code; None for an unexpected one."""
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


def _unexpected(error: Exception) -> str:
    """Say where an error came from, without its message: that may carry anything, even an identifier."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return (
        f"unexpected: {reason} at {Path(last.filename).name}:{last.lineno}. This is a bug in optout; "
        f"{DEBUG_VARIABLE}=1 shows all of it, which may include identifiers"
    )


def _leave(lines: list[str], code: ExitCode) -> NoReturn:
    for line in lines[:-1]:
        echo(line, err=True)
    echo(f"error: {lines[-1]}", err=True)
    sys.exit(code)
