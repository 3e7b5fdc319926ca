"""Where the program's and the plugin's processes come from: forks of one that has imported what both need.

To import Pulumi's SDK takes most of a short run. So a server imports it once, while the engine gets ready, and
forks both processes, as often as they are needed. The server is itself a fork of the command, which has imported
modules and read the options by then, and has one thread: what both need is there already. A fork gets the
descriptors, variables, folder, process group and parent that :class:`subprocess.Popen` would give it. Where there
is no server (only Linux can give an orphan a new parent), processes start as ever. Why, and what it is worth:
docs/adr/0027-forked-processes.md.
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
import traceback
import weakref
from contextlib import suppress
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, Self

from voiceid_optout.memory import no_collection
from voiceid_optout.pulumi_parts import complete

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PROGRAM, PLUGIN = "voiceid_optout.engine.embedded.program", "voiceid_optout.engine.embedded.plugin_process"
CLIENT = "voiceid_optout.voiceid.client"  # what calls the service
LOAD_CLIENT = "--load-client"  # an argument of the plugin
# What these import as they go; the providers bring the program's own modules along.
AHEAD = (PROGRAM, PLUGIN, "pulumi.dynamic", "voiceid_optout.program", "grpc")
_SET_SUBREAPER = 36  # prctl: orphans below become children of this process, and not of init
_ABOVE = 500  # where descriptors wait until their numbers are free
_MOST_DESCRIPTORS = 16
_FORK, _LOAD = b"F", b"L"  # the first byte of an order
_SIGNALS = {signal.SIGINT, signal.SIGTERM}


class ForkServer:
    """The connection to a process that forks. It ends with this object, and with this process."""

    def __init__(self, pid: int, end: socket.socket) -> None:
        """Take the process of this number, which has the other end."""
        self._end = end
        self._connection = Connection(os.dup(end.fileno()))
        self._lock = threading.Lock()
        self.close = weakref.finalize(self, _close, pid, end, self._connection)

    @classmethod
    def forked(cls) -> Self:
        """Fork one off this process, which must have one thread. It begins to import at once."""
        ours, theirs = socket.socketpair()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # until a signal can end nothing but the server
        try:
            with theirs:
                pid = os.fork()
                if pid == 0:
                    _end_with(partial(_be_server, theirs.fileno(), before))
            return cls(pid, ours)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def load(self, module: str) -> None:
        """Let it import a module more.

        What it cannot import, nobody hears of here: a process that is started as ever says it better.
        """
        with self._lock, suppress(OSError):
            socket.send_fds(self._end, [_LOAD], [])
            self._connection.send_bytes(module.encode())

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
                socket.send_fds(self._end, [_FORK], [*descriptors.values()])
                self._connection.send_bytes(body)
                return int(self._connection.recv_bytes())
            finally:
                _adopt_orphans(yes=False)


def _close(pid: int, *ends: socket.socket | Connection) -> None:
    for end in ends:
        end.close()
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)  # it may still be importing, and holds nothing that anybody needs
        os.waitpid(pid, 0)


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


def fork_server() -> ForkServer | None:
    """Fork a server off this process; None where the system has no such thing, or where this process has threads.

    A fork has but one of them, and what the others held stays held.
    """
    if sys.platform != "linux":
        return None
    try:
        os.close(os.pidfd_open(os.getpid()))
        return None if len([*Path("/proc/self/task").iterdir()]) > 1 else ForkServer.forked()
    except OSError:  # a kernel before 5.3, no /proc, or no more processes
        return None


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


def _be_server(descriptor: int, signals: set[int]) -> None:
    """Be the server: keep nothing of the command but its modules, import more, and serve."""
    os.setpgid(0, 0)  # a terminal's Ctrl-C is for the engine alone
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # from here on nothing reaches whoever reads the command's output
        os.dup2(null, stream)
    _take([null, null, null, descriptor], [0, 1, 2, 3])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    _call_itself("fork_server")
    gc.freeze()  # nothing of the command is looked through, nor ended: its files have lost their numbers
    with no_collection():
        for module in AHEAD:
            import_module(module)
        complete()
    serve(socket.socket(fileno=3))


def serve(end: socket.socket) -> None:
    """Import and fork as ordered until no more orders come. Each new process is what was ordered, and ends here."""
    gc.freeze()  # a fork shares what it does not look through
    connection = Connection(os.dup(end.fileno()))
    while True:
        byte, descriptors, _, _ = socket.recv_fds(end, 1, _MOST_DESCRIPTORS)
        if not byte:
            return
        order = connection.recv_bytes()
        if byte == _LOAD:
            with no_collection():
                import_module(order.decode())
            gc.freeze()
            continue
        read, write = os.pipe()
        middle = os.fork()
        if middle == 0:  # its end makes an orphan of the new process, whom the engine then adopts
            if pid := os.fork():
                os.write(write, str(pid).encode())
                os._exit(0)
            end.close()  # now: their numbers may be others' afterwards
            connection.close()
            _end_with(partial(_become, json.loads(order), descriptors))
        for descriptor in (*descriptors, write):
            os.close(descriptor)
        os.waitpid(middle, 0)
        connection.send_bytes(os.read(read, 64))
        os.close(read)


def _end_with(work: Callable[[], None]) -> NoReturn:
    """Do the work of a new process and end it, with what its end says of it.

    Nothing else is done: what stands below on the stack, and what waits for the interpreter's end, belongs to the
    process that was forked.
    """
    status = 1
    try:
        work()
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        else:
            status = end.code or 0
    except BaseException:  # noqa: BLE001 - as the interpreter shows what nobody has caught
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(status)


def _take(descriptors: list[int], numbers: list[int]) -> None:
    """Put the descriptors where they belong, and close all others."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, _ABOVE) for descriptor in descriptors]
    os.closerange(0, _ABOVE)
    for descriptor, number in zip(high, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)


def _become(order: dict[str, Any], descriptors: list[int]) -> None:
    """Be the process of the order: set what the interpreter would have set at its start."""
    _take(descriptors, order["numbers"])
    os.setpgid(0, 0)
    name, *_ = order["words"]
    _call_itself(name.rpartition(".")[2])
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["variables"])
    own = [part for part in order["variables"].get("PYTHONPATH", "").split(os.pathsep) if part]
    sys.path[: not sys.flags.safe_path] = [order["folder"], *own]  # in place of where the command was started
    # As the interpreter has made its input; its output may have been changed since, or be closed.
    encoding, errors = getattr(sys.__stdin__, "encoding", None), getattr(sys.__stdin__, "errors", None)
    sys.stdin = open(0, encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115 - it stays open
    for stream, number, handler in (("stdout", 1, errors), ("stderr", 2, "backslashreplace")):
        raw = io.FileIO(number, "w", closefd=False)
        # Unbuffered: the plugin never flushes what it prints.
        setattr(sys, stream, io.TextIOWrapper(raw, encoding, handler, write_through=True))
    sys.argv = order["words"]
    module = sys.modules["__main__"] = import_module(name)  # and not the command, which would run once more
    module.main()


def _call_itself(name: str) -> None:
    """Let ps and top show this name."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="ascii")
