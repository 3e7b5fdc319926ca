"""Ends the plugin process when the engine that started it is gone.

The plugin itself never notices: it would stay for ever, and could finish a write that nobody records. It is
started by the engine or by a shell in between, so two signs are watched: a new parent process, and the loss
of the engine's address, which the engine passes as the last argument.
"""

import os
import socket
import sys
import threading

INTERVAL = 1.0  # seconds between two looks at the parent
PATIENCE = 3  # tries to connect again
_started = threading.Lock()


def hold() -> None:
    """Start watching, once a process; for plugin processes only."""
    if not _started.acquire(blocking=False):
        return
    watch = threading.Thread(
        target=_watch, args=(os.getppid(), engine_address(sys.argv)), name="lifeline", daemon=True
    )
    watch.start()


def engine_address(argv: list[str]) -> tuple[str, int] | None:
    """Return host and port if the last argument is an address."""
    host, _, port = argv[-1].rpartition(":")
    return (host, int(port)) if host and port.isascii() and port.isdigit() else None


def _watch(parent: int, address: tuple[str, int] | None) -> None:
    line = _connect(address)
    while os.getppid() == parent:
        if line is None:
            threading.Event().wait(INTERVAL)
        elif not _is_quiet(line):
            line.close()
            line = _connect_again(address)
            if line is None:
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
    for _ in range(PATIENCE):
        if line := _connect(address):
            return line
        threading.Event().wait(INTERVAL)
    return None


def _is_quiet(line: socket.socket) -> bool:
    """Wait an interval; False if the other side has closed.

    A living engine closes too, after two minutes, what never speaks its protocol: connecting again tells.
    """
    try:
        return bool(line.recv(4096))
    except TimeoutError:
        return True
    except OSError:
        return False
