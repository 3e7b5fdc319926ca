"""Ctrl-C and SIGTERM during a run: the first lets the steps under way finish, the second ends them."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handled(first: Callable[[], None], second: Callable[[], None]) -> Iterator[None]:
    """Call ``first`` at the first signal and ``second`` at each later one, instead of raising KeyboardInterrupt.

    Only the main thread can take signals; elsewhere nothing changes. The calls are made on threads of their own:
    a signal may come while this thread holds a lock that they need.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handler(_number: int, _frame: object) -> None:
        nonlocal count
        count += 1
        threading.Thread(target=first if count == 1 else second, daemon=True).start()

    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
