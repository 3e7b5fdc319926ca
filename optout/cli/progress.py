"""Shows that long work goes on: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

LINE_EVERY_SECONDS = 10.0


class WorkProgress:
    """Counts finished steps of ``total``; a total of None is not known. A context manager, thread-safe."""

    def __init__(
        self, console: Console, title: str, total: int | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._console = console
        self._title = title
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        self._next_line = clock() + LINE_EVERY_SECONDS
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=console,
                transient=total is None,
            )
            self._task = self._bar.add_task(title, total=total)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        elif self._total:
            self._console.print(self._line())

    def advance(self) -> None:
        """Count one more."""
        with self._lock:
            self._done += 1
            if self._bar is not None:
                self._bar.update(self._task, completed=self._done)
            elif self._clock() >= self._next_line:
                self._next_line = self._clock() + LINE_EVERY_SECONDS
                self._console.print(self._line())

    def _line(self) -> str:
        of = f" of {self._total:,}" if self._total is not None else ""
        return f"{self._title}: {self._done:,}{of}"
