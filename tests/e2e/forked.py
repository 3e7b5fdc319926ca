"""``optout`` as forks of a process that has imported it all: hundreds of real commands, each within a blink.

Each is a process of its own, and so are the program and the plugin that its engine starts. What is not tested here
is their start, which the other tests of this folder do for real.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.commands import TIMEOUT_SECONDS, Finished
from tests.fork_server import ForkServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.commands import Shell

MODULE = "tests.e2e.forked_optout"
NAME = "forked_optout"  # what /proc calls such a command


@dataclass(frozen=True)
class Command:
    """One that has begun; what it says is in two files."""

    pid: int
    out: Path
    err: Path

    def has_ended(self) -> bool:
        """Tell whether it has; it stays there until :meth:`ended` takes its end."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def kill(self) -> None:
        """Kill it, if it has not ended by itself."""
        os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> Finished:
        """Wait for its end; none may end in a traceback, whatever it met."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not self.has_ended():
            if time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"still running after {TIMEOUT_SECONDS} s:\n{self.said()}")
            time.sleep(0.002)
        _, status = os.waitpid(self.pid, 0)
        finished = Finished(os.waitstatus_to_exitcode(status), self.out.read_text(), self.err.read_text())
        assert "Traceback" not in finished.output, finished.output
        return finished

    def said(self) -> str:
        return self.out.read_text() + self.err.read_text()


class Commands:
    """Starts them."""

    def __init__(self, server: ForkServer, logs: Path) -> None:
        self._server = server
        self._logs = logs
        self._number = 0

    def start(self, shell: Shell, *arguments: str) -> Command:
        """Start ``optout`` in a shell's folder."""
        self._number += 1
        out, err = (self._logs / f"{self._number}.{end}" for end in ("out", "err"))
        with Path(os.devnull).open("rb") as nothing, out.open("wb") as to_out, err.open("wb") as to_err:
            descriptors = {number: file.fileno() for number, file in enumerate((nothing, to_out, to_err))}
            words = [MODULE, *arguments]
            pid = self._server.fork(words, str(shell.folder), shell.environment(), descriptors)
        return Command(pid, out, err)

    def run(self, shell: Shell, *arguments: str) -> Finished:
        """Run ``optout`` to its end."""
        return self.start(shell, *arguments).ended()


@contextmanager
def commands(logs: Path) -> Iterator[Commands]:
    """Give what starts commands for the time of the block; Linux alone."""
    logs.mkdir()
    server = ForkServer.of_tests(MODULE)
    try:
        yield Commands(server, logs)
    finally:
        server.close()
