"""Commands as real processes in an environment of their own."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TIMEOUT_SECONDS = 120
_MARK = "OPTOUT_TEST_MARK"  # children inherit it, so a test finds what it has started
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def output(self) -> str:
        """All it said."""
        return self.out + self.err

    @property
    def errors(self) -> list[str]:
        """The lines of its standard error that are errors."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]


@dataclass(frozen=True, slots=True)
class Shell:
    """A folder to run commands in, and the variables they see: nothing of the caller's AWS or Pulumi settings."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    def environment(self, **more: str | None) -> dict[str, str]:
        """Return the variables of a command; None takes one away."""
        base = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8", _MARK: self.mark}
        merged: dict[str, str | None] = {**base, **self.variables, **more}
        return {name: value for name, value in merged.items() if value is not None}

    def start(
        self, *command: str, env: Mapping[str, str | None] | None = None, **more: Any
    ) -> subprocess.Popen[str]:
        """Start a command whose output is kept."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(**(env or {})),
            text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )

    def run(self, *command: str, env: Mapping[str, str | None] | None = None, **more: Any) -> Finished:
        """Run a command to its end."""
        return ended(self.start(*command, env=env, **more))

    def optout(self, *arguments: str, env: Mapping[str, str | None] | None = None, **more: Any) -> Finished:
        """Run ``optout`` to its end."""
        return self.run(*optout_command(*arguments), env=env, **more)

    def processes(self) -> list[str]:
        """Return the command lines of what still runs of everything started here; Linux only."""
        return [words for pid in _pids() if (words := _command_of(pid, self.mark))]


def optout_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of ``optout`` in the interpreter of the tests."""
    return (sys.executable, "-m", "voiceid_optout", *arguments)


def ended(process: subprocess.Popen[str]) -> Finished:
    """Wait for a command; none may end in a traceback, whatever it met."""
    try:
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {TIMEOUT_SECONDS} s:\n{out}{err}") from None
    finished = Finished(process.returncode, out, err)
    assert "Traceback" not in finished.output, finished.output
    return finished


def eventually(condition: Callable[[], object], what: str, seconds: float = 600) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def _pids() -> Iterator[str]:
    if _PROC.is_dir():
        yield from (entry.name for entry in _PROC.iterdir() if entry.name.isdigit())


def _command_of(pid: str, mark: str) -> str:
    try:
        if f"{_MARK}={mark}".encode() not in (_PROC / pid / "environ").read_bytes():
            return ""
        return (_PROC / pid / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:  # it has just ended
        return ""
