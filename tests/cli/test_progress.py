import io
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from rich.console import Console

from voiceid_optout.cli.progress import WorkProgress


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


class Paper(io.StringIO):
    """Output that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        count = super().write(text)
        self.written.set()
        return count


def console(*, terminal: bool) -> Console:
    return Console(file=Paper(), force_terminal=terminal, force_interactive=terminal, width=80, color_system=None)


def text(of: Console) -> str:
    assert isinstance(of.file, Paper)
    return of.file.getvalue()


def eventually(holds: Callable[[], bool]) -> None:
    for _ in range(60_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("not within 600 s")


def repeat(action: Callable[[], None], times: int) -> None:
    for _ in range(times):
        action()


def test_elsewhere_a_line_tells_the_total_at_the_end() -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Applying", 1200, Clock()) as progress:
        repeat(progress.advance, 1200)
        assert text(plain) == ""
    assert text(plain) == "Applying: 1,200 of 1,200\n"


def test_elsewhere_lines_come_also_while_nothing_ends() -> None:
    plain = console(terminal=False)
    assert isinstance(plain.file, Paper)
    with WorkProgress(plain, "Applying", 10, every=0.01) as progress:
        progress.waits("OptOutSpeaker waits for its quota")
        assert plain.file.written.wait(600)
    assert text(plain).splitlines()[0] == "Applying: 0 of 10, OptOutSpeaker waits for its quota"


def test_a_line_tells_rate_and_time_left() -> None:
    clock = Clock()
    with WorkProgress(console(terminal=False), "Applying", 4210, clock) as progress:
        assert progress.tell() == "Applying: 0 of 4,210"
        repeat(progress.advance, 10)
        clock.now += 1
        assert progress.tell() == "Applying: 10 of 4,210"  # too early to tell
        clock.now += 9
        assert progress.tell() == "Applying: 10 of 4,210, 1.0/s, 1 h 10 min left"
        repeat(progress.advance, 190)
        assert progress.tell() == "Applying: 200 of 4,210, 20/s, 3 min left"


def test_a_reason_stands_until_something_ends() -> None:
    clock = Clock()
    with WorkProgress(console(terminal=False), "Comparing", None, clock) as progress:
        progress.waits("ListSpeakers waits for its quota")
        assert progress.tell() == "Comparing: 0, ListSpeakers waits for its quota"
        clock.now += 10
        progress.advance()
        assert progress.tell() == "Comparing: 1, 0.1/s"


def test_done_has_no_time_left() -> None:
    clock = Clock()
    with WorkProgress(console(terminal=False), "Applying", 2, clock) as progress:
        repeat(progress.advance, 2)
        clock.now += 4
        assert progress.tell() == "Applying: 2 of 2, 0.5/s"


@pytest.mark.parametrize(("total", "lasting"), [(None, True), (0, True), (5, False)])
def test_elsewhere_short_work_says_nothing(total: int | None, *, lasting: bool) -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Comparing", total, Clock(), lasting=lasting) as progress:
        progress.advance()
    assert text(plain) == ""


def test_on_a_terminal_there_is_a_bar() -> None:
    terminal, clock = console(terminal=True), Clock()
    with WorkProgress(terminal, "Applying", 3, clock) as progress:
        progress.advance()
        clock.now += 4
        progress.advance()
        progress.waits("OptOutSpeaker waits for its quota")
    assert "Applying" in text(terminal)
    assert "2/3" in text(terminal)


def test_on_a_terminal_everything_fits_into_eighty_columns() -> None:
    terminal, clock = console(terminal=True), Clock()
    with WorkProgress(terminal, "Asking the service", 100_000, clock) as progress:
        clock.now += 60
        repeat(progress.advance, 600)
        progress.waits("OptOutSpeaker waits for its quota")
        progress.advance()
        progress.waits("OptOutSpeaker waits for its quota")
        wanted = r"601/100000 +10/s, 2 h 45 min left, at quota"
        eventually(lambda: re.search(wanted, text(terminal)) is not None)


@pytest.mark.parametrize(("total", "shown"), [(None, "1/?"), (1, "1/1")])
def test_on_a_terminal_a_bar_that_does_not_last_goes_away(total: int | None, shown: str) -> None:
    terminal = console(terminal=True)
    with WorkProgress(terminal, "Comparing", total, lasting=False) as progress:
        progress.advance()
    assert shown in text(terminal)
    assert text(terminal).endswith("\x1b[2K"), "the line is erased at the end"


def test_steps_end_on_many_threads() -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Applying", 4000) as progress, ThreadPoolExecutor(8) as pool:
        for _ in range(4000):
            pool.submit(progress.advance)
        pool.shutdown()
    assert text(plain).endswith("Applying: 4,000 of 4,000\n")
