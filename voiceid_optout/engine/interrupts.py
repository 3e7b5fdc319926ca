"""Ctrl-C and SIGTERM during a run: the first lets the steps under way finish, the second ends them."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handled(first: Callable[[], None], second: Callable[[], None]) -> Iterator[None]:
    """Call ``first`` at the first signal and ``second`` at each later one, instead of raising KeyboardInterrupt.

    Only the main thread can take signals; elsewhere nothing changes. Each signal counts, also while the main thread
    does what no signal interrupts: Python's own handlers would take two in that time for one. The calls are made on
    threads of their own, since a signal may come while the main thread holds a lock that they need.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = socket.socketpair()
    os.set_blocking(writing.fileno(), False)

    def listen() -> None:
        action = first
        while numbers := reading.recv(64):
            for _ in range(sum(number in _SIGNALS for number in numbers)):
                threading.Thread(target=action, daemon=True).start()
                action = second

    listener = threading.Thread(target=listen, daemon=True, name="interrupts")
    listener.start()
    before = {number: signal.signal(number, _leave_it) for number in _SIGNALS}
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, old in before.items():
            signal.signal(number, old)
        writing.close()
        listener.join()
        reading.close()


def _leave_it(_number: int, _frame: object) -> None:
    """Do nothing: who listens to the socket has been told of the signal already."""
