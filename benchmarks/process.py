"""Runs a command and measures it: time, processor time and memory of all its processes. Linux alone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from resource import struct_rusage
    from typing import IO

SAMPLE_EVERY = 0.1  # seconds between two looks at the memory of the processes
TIMEOUT = 10.0  # seconds in which a process that outlived its parent must end
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_MAXRSS_UNIT = 1024
_MOST_OUTPUT = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Run:
    """A command that has ended. ``status`` is None for one that took too long; memory is in bytes.

    ``peak`` is the largest process, as the kernel counts it; ``tree`` the most of all at once, looked at every
    tenth of a second, with pages that processes share counted in each.
    """

    status: int | None
    wall: float
    cpu: float
    peak: int
    tree: int
    out: str
    err: str


def run(command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], timeout: float) -> Run:
    """Run a command to its end, or kill all its processes after ``timeout`` seconds."""
    with _adopting(), tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        watch = _Watch(process.pid, timeout)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # Ctrl-C, which the command's session does not get
            watch.end()
            process.wait()
            raise
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
        watch.stop()
        cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
        for more in _orphans(watch.seen):
            cpu, peak = cpu + more.ru_utime + more.ru_stime, max(peak, more.ru_maxrss)
        texts = [_text(file) for file in (out, err)]
    ended = None if watch.too_long else process.returncode
    return Run(ended, wall, cpu, peak * _MAXRSS_UNIT, max(watch.most, peak * _MAXRSS_UNIT), *texts)


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """Make processes that outlive their parent ours, so that their time is counted too."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def busy_seconds() -> float:
    """Return the time that all processors together have worked since the machine started, for whomever."""
    user, nice, system, _idle, _waiting, *rest = map(int, Path("/proc/stat").read_text("utf-8").split()[1:9])
    return (user + nice + system + sum(rest)) / _TICKS


class _Watch:
    """Looks at the processes of a session, and ends them when their time is up."""

    def __init__(self, session: int, timeout: float) -> None:
        self._session = session
        self._until = time.monotonic() + timeout
        self._stopped = threading.Event()
        self.seen: set[int] = set()
        self.most = 0
        self.too_long = False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def end(self) -> None:
        """Kill all processes of the session."""
        for pid in _session(self._session):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _look(self) -> None:
        while not self._stopped.wait(SAMPLE_EVERY):
            sizes = _session(self._session)
            self.seen |= set(sizes)
            self.most = max(self.most, sum(sizes.values()))
            if time.monotonic() > self._until:
                self.too_long = True
                self.end()


def _session(session: int) -> dict[int, int]:
    """Return the resident bytes of each process of a session."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                if int(fields[3]) == session:
                    found[int(entry.name)] = int(fields[21]) * _PAGE
    return found


def _orphans(pids: set[int]) -> list[struct_rusage]:
    """Wait for processes that outlived the command, and return what they used."""
    found = []
    deadline = time.monotonic() + TIMEOUT
    for pid in pids:
        with contextlib.suppress(ChildProcessError):  # its parent has waited for it, and that is counted there
            while time.monotonic() < deadline:
                ended, _, usage = os.wait4(pid, os.WNOHANG)
                if ended:
                    found.append(usage)
                    break
                time.sleep(0.01)
    return found


def _text(file: IO[bytes]) -> str:
    """Return the end of the output: a first run shows a line a person, and nobody reads a million of them here."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - _MOST_OUTPUT))
    return file.read().decode(errors="replace")
