"""What an engine is: a few operations on a stack, the same for the Pulumi CLI and the embedded one.

Both end in the same way at Ctrl-C and SIGTERM: the first lets the steps under way finish, the second ends them.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from pulumi.automation.events import EngineEvent

    from voiceid_optout.speakers import Person, Shard
    from voiceid_optout.state.checkpoint import Upgrade
    from voiceid_optout.state.project import Project, StackConfig

    # Returns the texts of the providers that the program sends, with this request and config.
    ProgramProviders = Callable[["Request", Project, StackConfig], Collection[str]]


class Operation(StrEnum):
    """What is asked of an engine."""

    PREVIEW = "preview"
    UP = "up"
    REFRESH = "refresh"
    DRIFT = "drift"  # a refresh that writes nothing
    DESTROY = "destroy"
    PREVIEW_DESTROY = "preview-destroy"


RUNS_PROGRAM = frozenset({Operation.PREVIEW, Operation.UP})
ASKS_SERVICE = frozenset({Operation.REFRESH, Operation.DRIFT})
WRITES_STATE = frozenset({Operation.UP, Operation.REFRESH, Operation.DESTROY})


class Result(StrEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTIAL = "partial"  # failed after some changes had been made; running again goes on from there
    ENDED = "ended"  # ended at once by a second interrupt; steps under way may have happened or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One stack and how to treat it.

    ``environment`` is what the program and the provider see on top of the process's own. ``declared`` is what the
    program declares, people or shards of them, where the caller has read the register: an engine that starts the
    program itself hands it over. ``refresh`` reads every resource before the program is compared with it.
    ``remote_backend`` is a URL in the place of ``backend``, for the Pulumi CLI alone. ``repeatable`` says that a
    killed run may be done again from its beginning, so that nothing has to be saved on the way. ``trust_state``
    lets any provider run that the state names. ``upgrade`` takes type, id and outputs of a resource in the state,
    and returns id and outputs as they are written today: what it replaces must reach no event and no file.
    """

    root: Path
    stack: str
    backend: Path
    remote_backend: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    declared: tuple[Person, ...] | tuple[Shard, ...] | None = field(default=None, compare=False, repr=False)
    upgrade: Upgrade | None = field(default=None, compare=False, repr=False)
    refresh: bool = True
    targets: tuple[str, ...] = ()
    parallel: int = 8
    continue_on_error: bool = False
    message: str = ""
    repeatable: bool = False
    trust_state: bool = False

    @property
    def place(self) -> str:
        """Where the state is, for people."""
        return place_of(self.remote_backend) if self.remote_backend else str(self.backend)


def place_of(url: str) -> str:
    """Return a backend's URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; ``errors`` are sentences for people, each said once."""

    result: Result
    errors: tuple[str, ...] = ()


class Engine(Protocol):
    """Runs operations on a stack. Both engines keep this contract, so a stack can change engines between two runs.

    - A run that cannot begin raises :class:`voiceid_optout.state.StackError`; the provider has changed
      nothing. Once a change is made, a failure is an :class:`Outcome`: PARTIAL, with errors that say why.
    - Operations of ``WRITES_STATE`` hold the stack's lock while they read and write the state. The others change
      neither the state nor the service.
    - What the provider has acknowledged is in the state or in its journal, whatever ends the run: the next run goes
      on from there.
    - Events are Pulumi's engine events, in the CLI's form. They and the errors carry no secret in clear.
    """

    name: str

    def run(self, operation: Operation, request: Request, on_event: Callable[[EngineEvent], None]) -> Outcome:
        """Do the operation; events are handed over as they happen, possibly from other threads."""
        ...


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handling_interrupts(first: Callable[[], None], second: Callable[[], None]) -> Iterator[None]:
    """Call ``first`` at the first signal and ``second`` at each later one, instead of raising KeyboardInterrupt.

    Only the main thread can take signals; elsewhere nothing changes. Each signal counts, also while the main thread
    does what no signal interrupts: Python's own handlers would take two in that time for one. The calls are made on
    threads of their own, since a signal may come while the main thread holds a lock that they need.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = socket.socketpair()
    os.set_blocking(writing.fileno(), False)

    def listen() -> None:
        action = first
        while numbers := reading.recv(64):
            for _ in range(sum(number in _SIGNALS for number in numbers)):
                threading.Thread(target=action, daemon=True).start()
                action = second

    listener = threading.Thread(target=listen, daemon=True, name="interrupts")
    listener.start()
    before = {number: signal.signal(number, _leave_it) for number in _SIGNALS}
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, old in before.items():
            signal.signal(number, old)
        writing.close()
        listener.join()
        reading.close()


def _leave_it(_number: int, _frame: object) -> None:
    """Do nothing: the listener at the socket knows of the signal already."""
