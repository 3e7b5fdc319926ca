"""The plugin process ``python -m pulumi.dynamic``: how it ends with its engine, and how errors leave it.

The plugin never notices that its engine is gone: it would stay for ever, and could finish a write that nobody
records. It is started by the engine or by a shell in between, so two signs are watched: a new parent process, and
the loss of the engine's address, which the engine passes as the last argument.

The plugin answers any exception with its whole traceback as text, chained causes included. So nothing passes but
one class whose text is clean, and nothing is chained to it.
"""

import functools
import gc
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from voiceid_optout.pulumi_internals import engine_address, is_plugin_process
from voiceid_optout.voiceid import VoiceIdError

_P = ParamSpec("_P")
_T = TypeVar("_T")

INTERVAL = 1.0  # seconds between two looks at the parent
CONNECTION_ATTEMPTS = 3
_started = threading.Lock()


def prepare_process() -> None:
    """Make a plugin process end with its engine and answer without stack frames.

    The plugin's answer to an exception is its traceback. Where ours comes from helps nobody: the message says
    what to do, and an unexpected error names its place. Anywhere but in a plugin process nothing happens.
    """
    if is_plugin_process():
        sys.tracebacklimit = 0
        # What is loaded stays and calls leave no garbage: looking through it over and over costs a tenth of a run.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        start_watchdog()


def start_watchdog() -> None:
    """Start watching, once a process; for plugin processes only."""
    if not _started.acquire(blocking=False):
        return
    watchdog = threading.Thread(
        target=_watch, args=(os.getppid(), engine_address(sys.argv)), name="watchdog", daemon=True
    )
    watchdog.start()


def _watch(parent: int, address: tuple[str, int] | None) -> None:
    connection = _connect(address)
    while os.getppid() == parent:
        if connection is None:
            threading.Event().wait(INTERVAL)
        elif not _is_open(connection):
            connection.close()
            connection = _connect_again(address)
            if connection is None:
                break
    os._exit(1)


def _connect(address: tuple[str, int] | None) -> socket.socket | None:
    if address is None:
        return None
    try:
        return socket.create_connection(address, timeout=INTERVAL)
    except OSError:
        return None


def _connect_again(address: tuple[str, int] | None) -> socket.socket | None:
    """Try for a few seconds: an engine under load may be slow to accept."""
    for _ in range(CONNECTION_ATTEMPTS):
        if connection := _connect(address):
            return connection
        threading.Event().wait(INTERVAL)
    return None


def _is_open(connection: socket.socket) -> bool:
    """Wait an interval; False if the other side has closed.

    A living engine closes too, after two minutes, what never speaks its protocol: connecting again tells.
    """
    try:
        return bool(connection.recv(4096))
    except TimeoutError:
        return True
    except OSError:
        return False


class OptOutFailed(Exception):  # noqa: N818 - people read it at the start of a line
    """A provider call failed; the text is one line without identifiers.

    The module's name is left out on purpose: a traceback's last line then starts with ``OptOutFailed:``.
    """

    __module__ = "builtins"


def clean_failures(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a provider's method raise nothing but OptOutFailed."""

    @functools.wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(*args, **kwargs)
        except (VoiceIdError, OptOutFailed) as error:
            failure = OptOutFailed(str(error))
        except Exception as error:  # noqa: BLE001 - its text may hold an identifier, so it goes no further
            failure = OptOutFailed(f"unexpected {type(error).__name__} in {_place(error)}; please report this")
        raise failure  # outside the handlers: here it has no context to be printed

    return call


def _place(error: Exception) -> str:
    # walk_tb and not extract_tb, which finds nothing in a plugin process: its stack frames are switched off
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{Path(frame.f_code.co_filename).name}:{line}"
