"""A fork server for the engine's processes, for tests that start hundreds of them.

A start of the program or of the plugin costs most of a second of processor time, all of it imports. Here they are
done once: a server imports what both need, and each process is a fork of it, with the descriptors, variables,
folder, process group and parent that ``subprocess.Popen`` would give it. What is tested is the same but for the
start, which tests/engine/embedded/test_plugin.py and tests/e2e do for real. Linux alone; elsewhere processes start
as ever.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import gc
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from voiceid_optout.voiceid.aws_config import Identity, Keys
from voiceid_optout.voiceid.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
STARTERS = ("voiceid_optout.engine.embedded.host", "voiceid_optout.engine.embedded.plugin")
FORKED = ("voiceid_optout.engine.embedded.program", "voiceid_optout.engine.embedded.plugin_process")
# What these import as they go, and the programs and providers of the tests.
AHEAD = (
    *("pulumi.dynamic", "voiceid_optout.voiceid.client", "voiceid_optout.register"),
    *("voiceid_optout.providers.opted_out_speaker", "voiceid_optout.providers.opted_out_speakers"),
    *("voiceid_optout.program", "voiceid_optout.voiceid.direct", "voiceid_optout.voiceid.snapshot", "http.client"),
)
_SUBREAPER = 36  # prctl: orphans below become children of this process, and not of init
_SET_NAME = 15  # prctl: of this thread, as /proc/<pid>/comm has it
_ABOVE = 500  # where descriptors wait until their numbers are free
_MESSAGE = 1 << 20
_MOST_DESCRIPTORS = 16


class ForkServer:
    """The connection to a process that forks; ``process`` is that process, where it is a child of this one."""

    def __init__(self, connection: socket.socket, process: subprocess.Popen[bytes] | None = None) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._process = process

    @classmethod
    def start(cls, *ahead: str) -> ForkServer:
        """Start one that imports what the engine's processes need, and the modules ``ahead``."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno()), *ahead],
            cwd=ROOT,
            # Its forks are not measured: they would start much later.
            env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        return cls(ours, process)

    @classmethod
    def within(cls) -> ForkServer:
        """Make one by a fork of this process, which has itself just been forked and has no threads yet."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            ours.close()
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):  # who reads what our parent says must see its end
                os.dup2(null, stream)
            serve_and_become(theirs)
            os._exit(0)
        theirs.close()
        return cls(ours)

    def fork(self, words: list[str], folder: str, variables: dict[str, str], descriptors: dict[int, int]) -> int:
        """Fork a process; it is a child of ours. ``descriptors`` are those it gets, ours by its numbers."""
        order = {"words": words, "folder": folder, "variables": variables, "numbers": [*descriptors]}
        prctl = ctypes.CDLL(None).prctl
        with self._lock:
            prctl(_SUBREAPER, 1, 0, 0, 0)
            try:
                socket.send_fds(self._connection, [json.dumps(order).encode()], [*descriptors.values()])
                pid = int(self._connection.recv(64))
            finally:
                prctl(_SUBREAPER, 0, 0, 0, 0)
        return pid

    def close(self) -> None:
        self._connection.close()
        if self._process is not None:
            self._process.wait()


def popen(made: ForkServer) -> type[subprocess.Popen[bytes]]:
    """Return what starts our modules by a fork, and everything else as ever."""

    class Popen(subprocess.Popen[bytes]):
        def _execute_child(self, *given: Any) -> None:
            inner: Any = subprocess.Popen
            call = SimpleNamespace(**inspect.signature(inner._execute_child).bind(self, *given).arguments)
            if call.args[:2] != [sys.executable, "-m"] or call.args[2] not in FORKED:
                inner._execute_child(self, *given)
                return
            standard = {0: call.p2cread, 1: call.c2pwrite, 2: call.errwrite}
            assert min(standard.values()) >= 0, "all three streams are given"
            assert call.process_group == 0
            descriptors = standard | {number: number for number in call.pass_fds}
            self.pid = made.fork(call.args[2:], str(call.cwd), dict(call.env), descriptors)
            self._child_created = True
            ends = (call.p2cread, call.p2cwrite, call.c2pread, call.c2pwrite, call.errread, call.errwrite)
            vars(inner)["_close_pipe_fds"](self, *ends)

    return Popen


@contextmanager
def fork_server() -> Iterator[ForkServer | None]:
    """Give a server for many tests; None on systems that cannot."""
    if sys.platform != "linux":
        yield None
        return
    made = ForkServer.start()
    yield made
    made.close()


def install(made: ForkServer | None, replace: Callable[[object, str, object], None]) -> None:
    """Let the engines of this process start theirs by forks; ``replace`` sets an attribute."""
    if made is not None:
        stand_in = SimpleNamespace(**vars(subprocess) | {"Popen": popen(made)})
        for starter in STARTERS:
            replace(import_module(starter), "subprocess", stand_in)


def serve(connection: socket.socket) -> dict[str, Any] | None:
    """Fork as ordered; returns the order in each new process, and None when no more will come."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE, _MOST_DESCRIPTORS)
        if not message:
            return None
        read, write = os.pipe()
        middle = os.fork()
        if middle == 0:  # its end makes an orphan of the new process, whom our parent then adopts
            if pid := os.fork():
                os.write(write, str(pid).encode())
                os._exit(0)
            connection.detach()  # its number may be one of the new process's, whose descriptor it would close
            order: dict[str, Any] = json.loads(message)
            _take(descriptors, order["numbers"])
            return order
        os.close(write)
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(middle, 0)
        connection.send(os.read(read, 64))
        os.close(read)


def _take(descriptors: list[int], numbers: list[int]) -> None:
    """Put the descriptors where they belong, and close all others."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, _ABOVE) for descriptor in descriptors]
    os.closerange(0, _ABOVE)
    for descriptor, number in zip(high, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)


def become(order: dict[str, Any]) -> None:
    """Be the process of the order: set what the interpreter would have set at its start."""
    name = order["words"][0].rpartition(".")[2].encode()
    ctypes.CDLL(None).prctl(_SET_NAME, name, 0, 0, 0)  # who looks for it finds it: its command line is the server's
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["variables"])
    own = [part for part in order["variables"].get("PYTHONPATH", "").split(os.pathsep) if part]
    sys.path[:] = [order["folder"], *own, *sys.path[1:]]
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]
    sys.argv = order["words"]
    import_module(order["words"][0]).main()


def serve_and_become(connection: socket.socket) -> None:
    """Fork as ordered, and be what was ordered in each new process."""
    order = serve(connection)
    if order is not None:
        become(order)


def _read_ahead() -> None:
    """Let botocore go through its folders once; each process spends half of its time on that otherwise."""
    sessions: Any = import_module("botocore.session")
    sessions.create_loader = functools.cache(sessions.create_loader)
    connect = import_module("voiceid_optout.voiceid.client").connect
    connect(ClientSettings("http://127.0.0.1:1", "us-east-1", identity=Identity(keys=Keys("AKID", "unused"))))


def main() -> None:
    for module in (*FORKED, *AHEAD, *sys.argv[2:]):
        import_module(module)
    _read_ahead()
    gc.collect()
    gc.freeze()
    serve_and_become(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
