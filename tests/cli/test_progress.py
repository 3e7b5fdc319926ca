import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from rich.console import Console

from optout.cli.progress import LINE_EVERY_SECONDS, WorkProgress


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def console(*, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, force_interactive=terminal, width=80, color_system=None
    )


def text(of: Console) -> str:
    assert isinstance(of.file, io.StringIO)
    return of.file.getvalue()


def test_elsewhere_a_line_tells_the_total_at_the_end() -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Applying", 1200, Clock()) as progress:
        for _ in range(1200):
            progress.advance()
        assert text(plain) == ""
    assert text(plain) == "Applying: 1,200 of 1,200\n"


def test_elsewhere_long_work_says_every_ten_seconds_how_far_it_is() -> None:
    plain, clock = console(terminal=False), Clock()
    with WorkProgress(plain, "Applying", 10, clock) as progress:
        progress.advance()
        clock.now += LINE_EVERY_SECONDS - 0.1
        progress.advance()
        assert text(plain) == ""
        clock.now += 0.1
        progress.advance()
        progress.advance()
        assert text(plain) == "Applying: 3 of 10\n"
        clock.now += LINE_EVERY_SECONDS
        progress.advance()
    assert text(plain) == "Applying: 3 of 10\nApplying: 5 of 10\nApplying: 5 of 10\n"


@pytest.mark.parametrize("total", [None, 0])
def test_elsewhere_short_work_without_a_total_says_nothing(total: int | None) -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Comparing", total, Clock()) as progress:
        progress.advance()
    assert text(plain) == ""


def test_elsewhere_long_work_without_a_total_says_how_much_it_did() -> None:
    plain, clock = console(terminal=False), Clock()
    with WorkProgress(plain, "Comparing", None, clock) as progress:
        clock.now += LINE_EVERY_SECONDS
        progress.advance()
    assert text(plain) == "Comparing: 1\n"


def test_on_a_terminal_there_is_a_bar() -> None:
    terminal = console(terminal=True)
    with WorkProgress(terminal, "Applying", 3) as progress:
        progress.advance()
        progress.advance()
    assert "Applying" in text(terminal)
    assert "2/3" in text(terminal)


def test_on_a_terminal_a_bar_without_a_total_goes_away() -> None:
    terminal = console(terminal=True)
    with WorkProgress(terminal, "Comparing", None) as progress:
        progress.advance()
    assert "1/?" in text(terminal)
    assert text(terminal).endswith("\x1b[2K"), "the line is erased at the end"


def test_steps_end_on_many_threads() -> None:
    plain = console(terminal=False)
    with WorkProgress(plain, "Applying", 4000) as progress, ThreadPoolExecutor(8) as pool:
        for _ in range(4000):
            pool.submit(progress.advance)
        pool.shutdown()
    assert text(plain).endswith("Applying: 4,000 of 4,000\n")
