"""One run of the embedded engine in a process of its own: ``python -m benchmarks.engine_run preview|up ROOT``.

The last line of the output is JSON: for a preview when each part was done, in seconds since the process began; for
an up the seconds of the run, and those that went into writing: processor time for the journal, which is written
beside other work, wall-clock time for state and history.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import people
from voiceid_optout.engine.embedded.engine import EmbeddedEngine
from voiceid_optout.engine.embedded.host import ProgramHost
from voiceid_optout.engine.embedded.monitor import Monitor
from voiceid_optout.engine.embedded.plugin import Plugins
from voiceid_optout.engine.interface import Operation, Result
from voiceid_optout.state import passphrase
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.journal import JournalFile

if TYPE_CHECKING:
    from collections.abc import Callable


def _born() -> float:
    """Return when this process began, on the clock of :func:`time.time`."""
    ticks = float(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    up = float(Path("/proc/uptime").read_text().split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def run(operation: str, root: Path) -> None:
    """Run the embedded engine and tell about it."""
    born = _born()
    done: dict[str, float] = {}
    spent = {"writing": 0.0}

    def mark(what: str) -> None:
        done[what] = round(time.time() - born, 3)

    def marked(owner: Any, name: str, what: str) -> None:
        _wrap(owner, name, lambda _: None if what in done else mark(what))

    def timed(owner: Any, name: str, clock: Callable[[], float]) -> None:
        _wrap(owner, name, lambda took: spent.update(writing=spent["writing"] + took), clock)

    mark("engine imported")
    marked(ProgramHost, "__init__", "program's process started")
    marked(passphrase, "open_with", "key derived from the passphrase")
    marked(Monitor, "_GetDeploymentInfo", "program imported, its first call")
    marked(Plugins, "with_config", "plugin started and configured")
    marked(ProgramHost, "run", "all people registered, program ended")
    # Beside the program's calls a line of the journal also waits for the interpreter: not its cost.
    timed(JournalFile, "append", time.thread_time)
    for name in ("write_pieces", "write_history"):  # a piece is made when it is written
        timed(Backend, name, time.perf_counter)
    started = time.perf_counter()
    outcome = EmbeddedEngine().run(Operation(operation), people.request(root, {}), lambda _: None)
    took = time.perf_counter() - started
    mark("everything closed")
    if outcome.result is not Result.SUCCEEDED:
        raise SystemExit("\n".join(outcome.errors))
    print(json.dumps(done if operation == "preview" else {"run": took, **spent}))


def _wrap(
    owner: Any, name: str, after: Callable[[float], object], clock: Callable[[], float] = time.perf_counter
) -> None:
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **named: Any) -> Any:
        started = clock()
        try:
            return original(*args, **named)
        finally:
            after(clock() - started)

    setattr(owner, name, wrapped)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
