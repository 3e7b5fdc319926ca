"""A fork server for the engine's processes, for tests that start hundreds of them.

An engine has a server of its own, which imports Pulumi's SDK once a run. For tests one is enough for all of them,
and it has also imported what the programs and providers of the tests need. What is tested is the same but for the
start, which tests/engine/embedded/test_plugin.py and tests/e2e do for real. Linux alone; elsewhere processes start
as ever.
"""

from __future__ import annotations

import functools
import socket
import subprocess
import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from voiceid_optout.engine.embedded import forks
from voiceid_optout.memory import no_collection
from voiceid_optout.voiceid.aws_config import Identity, Keys
from voiceid_optout.voiceid.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
AHEAD = (
    *("voiceid_optout.voiceid.client", "voiceid_optout.voiceid.direct", "voiceid_optout.voiceid.snapshot"),
    "http.client",
)


class ForkServer(forks.ForkServer):
    """One for many engines."""

    @classmethod
    def of_tests(cls, *ahead: str) -> Self:
        """Start one that imports what the tests need, and the modules ``ahead``."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), *AHEAD, *ahead],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        process.returncode = 0  # the server's own close waits for it
        return cls(process.pid, ours)


@contextmanager
def fork_server() -> Iterator[ForkServer | None]:
    """Give a server for many tests; None on systems that cannot."""
    if sys.platform != "linux":
        yield None
        return
    made = ForkServer.of_tests()
    yield made
    made.close()


def install(made: ForkServer | None, replace: Callable[[object, str, object], None]) -> None:
    """Let the engines of this process use this server; ``replace`` sets an attribute."""
    if made is not None:
        replace(import_module("voiceid_optout.engine.embedded.engine"), "fork_server", lambda: made)


def start_as_ever(replace: Callable[[object, str, object], None]) -> None:
    """Let the engines of this process start theirs without any server."""
    replace(import_module("voiceid_optout.engine.embedded.engine"), "fork_server", lambda: None)


def _read_ahead() -> None:
    """Let botocore go through its folders once; each process spends half of its time on that otherwise."""
    sessions: Any = import_module("botocore.session")
    sessions.create_loader = functools.cache(sessions.create_loader)
    connect = import_module("voiceid_optout.voiceid.client").connect
    connect(ClientSettings("http://127.0.0.1:1", "us-east-1", identity=Identity(keys=Keys("AKID", "unused"))))


if __name__ == "__main__":
    _read_ahead()
    with no_collection():
        for _module in (*forks.AHEAD, *sys.argv[2:]):
            import_module(_module)
    forks.serve(socket.socket(fileno=int(sys.argv[1])))
