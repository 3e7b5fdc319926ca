"""Where the program's and the plugin's processes come from: forks of one that has imported what both need.

To import Pulumi's SDK takes most of a short run. So a server imports it once, while the engine gets ready, and
forks both processes, as often as they are needed. A fork gets the descriptors, variables, folder, process group and
parent that :class:`subprocess.Popen` would give it. Before a fork the server has done nothing but import, in one
thread. Where there is no server (only Linux can give an orphan a new parent), processes start as ever. Why, and
what it is worth: docs/adr/0027-forked-processes.md.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from voiceid_optout.memory import no_collection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM, PLUGIN = "voiceid_optout.engine.embedded.program", "voiceid_optout.engine.embedded.plugin_process"
CLIENT = "voiceid_optout.voiceid.client"  # what calls the service
LOAD_CLIENT = "--load-client"  # an argument of the plugin
# What these import as they go; the providers bring the program's own modules along.
_AHEAD = (PROGRAM, PLUGIN, "pulumi.dynamic", "voiceid_optout.program", "grpc")
_SET_SUBREAPER = 36  # prctl: orphans below become children of this process, and not of init
_ABOVE = 500  # where descriptors wait until their numbers are free
_MOST_DESCRIPTORS = 16


class ForkServer:
    """The connection to a process that forks; ``process`` is that process, where this one has started it."""

    def __init__(self, end: socket.socket, process: subprocess.Popen[bytes] | None = None) -> None:
        self._end = end
        self._connection = Connection(os.dup(end.fileno()))
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, _close, process, end, self._connection)

    @classmethod
    def start(cls, root: Path, module: str = __name__, *ahead: str) -> Self:
        """Start one for a project; it ends with the object, and with this process.

        ``ahead`` are modules that it imports besides. What it cannot import, nobody hears of here: a process that
        is started as ever says it better.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", module, str(theirs.fileno()), *ahead],
                cwd=root,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,  # a terminal's Ctrl-C is for the engine alone
            )
        return cls(ours, process)

    def fork(
        self, words: Sequence[str], folder: str, variables: Mapping[str, str], descriptors: Mapping[int, int]
    ) -> int:
        """Fork a child of this process; ``descriptors`` has those that it gets, ours by its numbers.

        Raises :class:`OSError` or :class:`EOFError` where that cannot be done.
        """
        order = {"words": words, "folder": folder, "variables": {**variables}, "numbers": [*descriptors]}
        body = json.dumps(order).encode()
        with self._lock:
            _adopt_orphans(yes=True)
            try:
                socket.send_fds(self._end, [b"\0"], [*descriptors.values()])
                self._connection.send_bytes(body)
                return int(self._connection.recv_bytes())
            finally:
                _adopt_orphans(yes=False)


def _close(process: subprocess.Popen[bytes] | None, *ends: socket.socket | Connection) -> None:
    for end in ends:
        end.close()
    if process is not None:
        process.kill()  # it may still be importing, and holds nothing that anybody needs
        process.wait()


def _adopt_orphans(*, yes: bool) -> None:
    if ctypes.CDLL(None).prctl(_SET_SUBREAPER, int(yes), 0, 0, 0):
        raise OSError("no orphans for this process")


class Forked:
    """A forked process, with what the engine uses of :class:`subprocess.Popen`."""

    def __init__(self, pid: int, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout: IO[bytes] | None = stdout
        self.stderr: IO[bytes] | None = stderr
        self._lock = threading.Lock()
        self._end = os.pidfd_open(pid)  # becomes readable
        self._status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises :class:`subprocess.TimeoutExpired`."""
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        if self._status is None and not poll.poll(None if timeout is None else timeout * 1000):
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        with self._lock:
            if self._status is None:
                self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Tell it to end."""
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        with self._lock:
            if self._status is None:
                os.kill(self.pid, number)

    def __del__(self) -> None:
        """Close what has told of its end."""
        os.close(self._end)


Process = Forked | subprocess.Popen[bytes]


def server_for(root: Path, *ahead: str) -> ForkServer | None:
    """Start a server for a project's processes; None where the system has no such thing."""
    if sys.platform != "linux":
        return None
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # a kernel before 5.3
        return None
    return ForkServer.start(root, __name__, *ahead)


def start(
    server: ForkServer | None,
    words: Sequence[str],
    *,
    folder: Path,
    variables: Mapping[str, str],
    descriptors: Sequence[int],
    has_input: bool = False,
) -> Process:
    """Start one of our modules with its arguments, by a fork if there is a server.

    Output and errors are pipes; the input is empty, or a pipe. ``descriptors`` it gets under the same numbers.
    """
    if server is not None:
        with suppress(OSError, EOFError):  # the server has ended, or has never begun
            return _forked(server, words, folder, variables, descriptors, has_input=has_input)
    return subprocess.Popen(  # noqa: S603 - our own interpreter and modules
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**variables},
        pass_fds=descriptors,
        stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,  # a terminal's Ctrl-C is for the engine alone
    )


def _forked(
    server: ForkServer,
    words: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    descriptors: Sequence[int],
    *,
    has_input: bool,
) -> Forked:
    out, its_out = os.pipe()
    err, its_err = os.pipe()
    its_in, into = os.pipe() if has_input else (os.open(os.devnull, os.O_RDONLY), None)
    streams = {0: its_in, 1: its_out, 2: its_err}
    given = streams | {number: number for number in descriptors}
    stdin = None if into is None else os.fdopen(into, "wb")
    stdout, stderr = os.fdopen(out, "rb"), os.fdopen(err, "rb")
    try:
        return Forked(server.fork(words, str(folder), variables, given), stdin, stdout, stderr)
    except BaseException:
        for stream in (stdin, stdout, stderr):
            if stream is not None:
                stream.close()
        raise
    finally:
        for end in streams.values():
            os.close(end)


def serve(end: socket.socket) -> None:
    """Fork as ordered until no more orders come, and be, in each new process, what was ordered."""
    connection = Connection(os.dup(end.fileno()))
    while True:
        byte, descriptors, _, _ = socket.recv_fds(end, 1, _MOST_DESCRIPTORS)
        if not byte:
            return
        order: dict[str, Any] = json.loads(connection.recv_bytes())
        read, write = os.pipe()
        middle = os.fork()
        if middle == 0:  # its end makes an orphan of the new process, whom the engine then adopts
            if pid := os.fork():
                os.write(write, str(pid).encode())
                os._exit(0)
            end.close()  # now: their numbers may be others' afterwards
            connection.close()
            _take(descriptors, order["numbers"])
            _become(order)
            return
        for descriptor in (*descriptors, write):
            os.close(descriptor)
        os.waitpid(middle, 0)
        connection.send_bytes(os.read(read, 64))
        os.close(read)


def _take(descriptors: list[int], numbers: list[int]) -> None:
    """Put the descriptors where they belong, and close all others."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, _ABOVE) for descriptor in descriptors]
    os.closerange(0, _ABOVE)
    for descriptor, number in zip(high, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)


def _become(order: dict[str, Any]) -> None:
    """Be the process of the order: set what the interpreter would have set at its start."""
    os.setpgid(0, 0)
    module, *_ = order["words"]
    with suppress(OSError):
        Path("/proc/self/comm").write_text(module.rpartition(".")[2], encoding="ascii")  # for ps and top
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["variables"])
    own = [part for part in order["variables"].get("PYTHONPATH", "").split(os.pathsep) if part]
    sys.path[:] = [order["folder"], *own, *sys.path[1:]]
    for stream, number in (("stdout", 1), ("stderr", 2)):  # unbuffered: the plugin never flushes what it prints
        old, raw = getattr(sys, stream), io.FileIO(number, "w", closefd=False)
        setattr(sys, stream, io.TextIOWrapper(raw, old.encoding, old.errors, write_through=True))
    sys.argv = order["words"]
    import_module(module).main()


def main() -> None:
    """Import, and serve. The arguments are the descriptor of the connection and more modules to import."""
    with no_collection():
        for module in (*_AHEAD, *sys.argv[2:]):
            import_module(module)
    gc.freeze()  # a fork shares what it does not look through
    serve(socket.socket(fileno=int(sys.argv[1])))


if __name__ == "__main__":
    main()
