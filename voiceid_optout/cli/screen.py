"""What people see of a command on a stack: its words, its plan, its questions, and that long work goes on."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

from voiceid_optout.cli.exit_codes import CommandError, ExitCode
from voiceid_optout.cli.output import PlainConsole, confirmed, console_of, echo, remember
from voiceid_optout.foreign_text import printable
from voiceid_optout.plan.render_text import Tone, lines
from voiceid_optout.plan.review import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console as RichConsole
    from rich.progress import Progress

    from voiceid_optout.cli.output import Console
    from voiceid_optout.plan.review import Review

_STYLES = {
    Tone.TITLE: "bold",
    Tone.GOOD: "green",
    Tone.CHANGE: "cyan",
    Tone.WARNING: "yellow",
    Tone.LOSS: "red",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a command's words go: standard output, or standard error where ``as_json`` leaves that to the JSON.

    ``quiet`` leaves out what is neither a result nor something to look at.
    """

    as_json: bool = False
    quiet: bool = False
    console: Console = field(default_factory=console_of)

    @classmethod
    def of(cls, *, as_json: bool, quiet: bool) -> Self:
        """Make the screen that the options ask for."""
        return cls(as_json, quiet, console_of(err=as_json))

    def say(self, message: str, style: str = "") -> None:
        """Print a line for people, unless they want quiet."""
        if not self.quiet:
            self._print(message, style)

    def warn(self, message: str) -> None:
        """Print what somebody should look at, whatever the options say."""
        self._print(message, "yellow")

    def note(self, message: str) -> None:
        """Print what is good to know, whatever the options say."""
        self._print(message, "dim")

    def tell(self, result: str, style: str = "green") -> None:
        """Print what was done or found; it is said whatever the options and standard output let through."""
        remember(result)
        self._print(result, style)

    def show(self, review: Review) -> None:
        """Print a plan: its summary and its rows, which those who want quiet do without."""
        # A file has no width; on a narrow terminal the reasons get lines of their own.
        width = self.console.width if self.console.is_terminal else None
        for line in lines(review, width, rows=not self.quiet):
            self._print(line.text, _STYLES.get(line.tone, ""))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask, unless --yes was given; raises :class:`CommandError` when the answer is not yes."""
        if not yes and not confirmed(question, err=self.as_json):
            raise CommandError("not confirmed; nothing was changed", ExitCode.USAGE)

    def emit(self, make: Callable[[], Mapping[str, Any]]) -> None:
        """Print a JSON object on a line of its own, if that is what was asked for; else it is not made."""
        if self.as_json:
            echo(json.dumps(make()))

    def working(self, title: str, total: int | None, *, lasting: bool) -> WorkProgress:
        """Return what shows that long work goes on."""
        return WorkProgress(PlainConsole(quiet=True) if self.quiet else self.console, title, total, lasting=lasting)

    def _print(self, message: str, style: str) -> None:
        self.console.print(printable(message), style=style)


LINE_EVERY_SECONDS = 10.0
_BAR_WIDTH = 12  # what stands behind it must find room on a terminal of 80 columns
_SHORT_REASON = "at quota"
_ENOUGH_SECONDS = 2.0  # before that a rate is a guess


class WorkProgress:
    """Counts finished steps of ``total``; a total of None is not known. A context manager, thread-safe.

    What is not ``lasting`` leaves nothing behind when it ends.
    """

    def __init__(
        self,
        console: Console,
        title: str,
        total: int | None,
        clock: Callable[[], float] = time.monotonic,
        every: float = LINE_EVERY_SECONDS,
        *,
        lasting: bool = True,
    ) -> None:
        self._clock = clock
        self._console = console
        self._title = title
        self._total = total
        self._every = every
        self._lasting = lasting
        self._done = 0
        self._reason = ""
        self._lock = threading.Lock()
        self._began = clock()
        self._ended = threading.Event()
        self._ticker: threading.Thread | None = None
        self._bar: Progress | None = None
        if console.is_terminal:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - only there

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(_BAR_WIDTH),
                MofNCompleteColumn(),
                TextColumn("{task.fields[pace]}"),
                console=cast("RichConsole", console),
                transient=not lasting,
            )
            self._task = self._bar.add_task(title, total=total, pace="")

    def __enter__(self) -> Self:
        self._began = self._clock()
        if self._bar is not None:
            self._bar.start()
        self._ticker = threading.Thread(target=self._tick, daemon=True, name="progress")
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._ticker is not None:
            self._ticker.join()
        if self._bar is not None:
            self._bar.update(self._task, pace="")
            self._bar.stop()
        elif self._total and self._lasting:
            self._console.print(self._counts())

    def advance(self, steps: int = 1) -> None:
        """Count some more."""
        with self._lock:
            self._done += steps
            self._reason = ""
            if self._bar is not None:
                self._bar.update(self._task, completed=self._done, pace=self._pace(_SHORT_REASON))

    def waits(self, reason: str) -> None:
        """Say why nothing ends for a while; it stands until something does."""
        with self._lock:
            self._reason = reason
            if self._bar is not None:
                self._bar.update(self._task, pace=self._pace(_SHORT_REASON))

    def tell(self) -> str:
        """Return the line of now."""
        with self._lock:
            pace = self._pace(self._reason)
        return f"{self._counts()}, {pace}" if pace else self._counts()

    def _tick(self) -> None:
        if self._bar is None:
            while not self._ended.wait(self._every):
                self._console.print(self.tell())
            return
        while not self._ended.wait(1):  # the time left goes down also while nothing ends
            with self._lock:
                self._bar.update(self._task, pace=self._pace(_SHORT_REASON))

    def _counts(self) -> str:
        of = f" of {self._total:,}" if self._total is not None else ""
        return f"{self._title}: {self._done:,}{of}"

    def _pace(self, reason: str) -> str:
        """Return rate, time left and what is waited for, as far as they are known."""
        words = []
        seconds = self._clock() - self._began
        if self._done and seconds >= _ENOUGH_SECONDS:
            rate = self._done / seconds
            words.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:,.1f}/s")  # noqa: PLR2004 - two digits tell enough
            if self._total is not None and self._done < self._total:
                words.append(f"{format_duration((self._total - self._done) / rate)} left")
        if self._reason:
            words.append(reason)
        return ", ".join(words)
