"""Runs commands on mutants in a process of its own, which is watched: for hangs, memory, and what it writes.

A mutant is made from the seed and its number, so a number repeats it. The process ends itself when one mutant takes
a minute of processor time, and its memory is bounded; whoever waits for it sees which mutant that was.
"""

from __future__ import annotations

import mmap
import os
import random
import resource
import shutil
import signal
import struct
import sys
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from tests.torture.mutations import MARK, STRAY, mutant
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MEMORY = 500 * 1024 * 1024  # beyond what the process has at its start
PROCESSOR_SECONDS = 60  # for one mutant; most take some milliseconds
_ROUND = 4_000  # mutants of one process
_AUDITED = {
    **dict.fromkeys(("os.remove", "os.mkdir", "os.rmdir"), (0,)),
    **dict.fromkeys(("os.link", "os.symlink"), (1,)),
    "os.rename": (0, 1),
}
_HARMLESS = (os.devnull, "/proc/", "/dev/")


class FaultError(AssertionError):
    """What a mutant must not lead to."""


@dataclass(frozen=True)
class Subject:
    """A kind of file: valid ones, where it lies in a project, and what reads it.

    ``judge`` gets the project's folder and the mutant's dice, and raises FaultError.
    """

    name: str
    files: Sequence[bytes]
    path: str
    judge: Callable[[Path, random.Random], None]


@dataclass
class _Watch:
    """What a process has written outside of its folder; installed once, for audit hooks stay."""

    folder: str = ""
    outside: list[str] = field(default_factory=list)

    def install(self) -> None:
        sys.addaudithook(self._see)

    def _see(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.folder:
            return
        if event == "open":
            path, mode, flags = args
            if isinstance(path, int) or not (
                (mode and set(mode) & set("wax+")) or (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            ):
                return
            self._judge(path)
        elif event in _AUDITED:
            for place in _AUDITED[event]:
                self._judge(args[place])

    def _judge(self, path: object) -> None:
        text = os.path.abspath(os.fsdecode(path)) if isinstance(path, (str, bytes, os.PathLike)) else ""  # noqa: PTH100 - bytes too
        if text and not text.startswith((self.folder, *_HARMLESS)):
            self.outside.append(text)


def optout(*arguments: str, text: str = "", environment: dict[str, str] | None = None, stray: bool = False) -> str:
    """Run a command in this process and judge how it ended; returns what it printed.

    ``stray``: what mutations have put into the file is somebody's identifier too.
    """
    result = CliRunner().invoke(main, arguments, input=text, env=environment or {})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        if isinstance(result.exception, MemoryError):
            raise result.exception
        raise FaultError(f"{arguments[0]}: {''.join(traceback.format_exception(result.exception)[-4:])}")
    if result.exit_code not in [*ExitCode]:
        raise FaultError(f"{arguments[0]}: exit code {result.exit_code}")
    for word in ("Traceback", "unexpected:"):
        if word in result.output:
            raise FaultError(f"{arguments[0]}: {result.output[result.output.index(word) :][:300]}")
    for mark in (MARK, STRAY) if stray else (MARK,):
        if mark in result.output:
            at = result.output.index(mark)
            raise FaultError(f"{arguments[0]}: prints an identifier: {result.output[max(0, at - 120) : at + 40]!r}")
    if result.exit_code not in (0, ExitCode.NOT_VERIFIED, ExitCode.OVERDUE) and not result.output.strip():
        raise FaultError(f"{arguments[0]}: exit code {result.exit_code} without a word")
    return result.output


def attack(subject: Subject, count: int, seed: int, template: Path, folder: Path) -> list[str]:
    """Judge so many mutants of a subject, each in a project like ``template``; returns the faults."""
    log = folder / f"{subject.name}.faults"
    log.touch()
    at = mmap.mmap(-1, 8)
    faults = []
    number = 0
    while number < count:
        at[:] = struct.pack("q", number)
        end = min(count, number + _ROUND)
        if (pid := os.fork()) == 0:
            code = 1
            try:
                _work(subject, range(number, end), seed, template, folder, at, log)
                code = 0
            except BaseException:  # noqa: BLE001 - the parent is told by the exit code, and the text by the log
                log.open("a").write(f"{traceback.format_exc()}\n")
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        reached = struct.unpack("q", at[:])[0]
        if status != 0:
            how = os.waitstatus_to_exitcode(status)
            why = "hangs" if how == -signal.SIGVTALRM else f"ends the process ({how})"
            faults.append(f"{subject.name} {reached} of seed {seed} {why}")
            end = reached + 1
        number = end
    return faults + [line for line in log.read_text().split("\0") if line]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _work(
    subject: Subject, numbers: range, seed: int, template: Path, folder: Path, at: mmap.mmap, log: Path
) -> None:
    project = folder / f"{subject.name} project"
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    # Address space that threads and buffers reserve is not memory: this stops what would harm the machine.
    resource.setrlimit(resource.RLIMIT_AS, (size + 8 * MEMORY, size + 8 * MEMORY))
    most = _peak() + MEMORY
    watch = _Watch(str(project))
    watch.install()
    sys.dont_write_bytecode = True  # of what a command imports late
    for number in numbers:
        at[:] = struct.pack("q", number)
        signal.setitimer(signal.ITIMER_VIRTUAL, PROCESSOR_SECONDS)
        dice = random.Random(f"{seed}/{subject.name}/{number}")
        watch.folder = ""
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(template, project)
        target = project / subject.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(mutant(dice, subject.files))
        os.chdir(project)
        watch.folder, problem = str(project), ""
        try:
            subject.judge(project, dice)
        except FaultError as error:
            problem = str(error)
        except MemoryError:
            problem = "needs more than 500 MB"
        watch.folder = ""
        if _peak() > most:
            problem = "needs more than 500 MB"
            most = _peak() + MEMORY
        if watch.outside:
            problem, watch.outside = f"writes outside: {watch.outside[:3]}", []
        if (project / "trap").exists():
            problem = "ran what the file said"
        if problem:
            with log.open("a") as file:
                file.write(f"{subject.name} {number} of seed {seed}: {problem}\0")
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
