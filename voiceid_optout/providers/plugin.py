"""The plugin process ``python -m pulumi.dynamic``: how it ends, how errors leave it, and what its providers share.

The plugin never notices that its engine is gone: it would stay for ever, and could finish a write that nobody
records. It is started by the engine or by a shell in between, so two signs are watched: a new parent process, and
the loss of the engine's address, which the engine passes as the last argument.

The plugin answers any exception with its whole traceback as text, chained causes included. So nothing passes but
one class whose text is clean, and nothing is chained to it.

Shared are the client, a snapshot for each domain, and the worker pool: an engine may hold several providers in a
process, and what they call counts against the same quotas of the account.
"""

from __future__ import annotations

import functools
import gc
import os
import socket
import sys
import threading
import traceback
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from voiceid_optout.pulumi_internals import engine_address, is_plugin_process
from voiceid_optout.voiceid import ConcurrentChanges, Conflict, RequestInvalid, UnknownSpeaker, VoiceIdError
from voiceid_optout.voiceid.aws_config import FULL_NAMES
from voiceid_optout.voiceid.pacing import wait_message
from voiceid_optout.voiceid.settings import KEYS, ClientSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pulumi.dynamic import Config

    from voiceid_optout.voiceid.client import Client
    from voiceid_optout.voiceid.snapshot import Snapshot


_P = ParamSpec("_P")
_T = TypeVar("_T")

INTERVAL = 1.0  # seconds between two looks at the parent
CONNECTION_ATTEMPTS = 3
_started = threading.Lock()


def prepare_process() -> None:
    """Make a plugin process end with its engine and answer without stack frames.

    The plugin's answer to an exception is its traceback. Where ours comes from helps nobody: the message says
    what to do, and an unexpected error names its place. Anywhere but in a plugin process nothing happens.
    """
    if is_plugin_process():
        sys.tracebacklimit = 0
        # What is loaded stays and calls leave no garbage: looking through it over and over costs a tenth of a run.
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        start_watchdog()


def start_watchdog() -> None:
    """Start watching, once a process; for plugin processes only."""
    if not _started.acquire(blocking=False):
        return
    watchdog = threading.Thread(
        target=_watch, args=(os.getppid(), engine_address(sys.argv)), name="watchdog", daemon=True
    )
    watchdog.start()


def _watch(parent: int, address: tuple[str, int] | None) -> None:
    connection = _connect(address)
    while os.getppid() == parent:
        if connection is None:
            threading.Event().wait(INTERVAL)
        elif not _is_open(connection):
            connection.close()
            connection = _connect_again(address)
            if connection is None:
                break
    os._exit(1)


def _connect(address: tuple[str, int] | None) -> socket.socket | None:
    if address is None:
        return None
    try:
        return socket.create_connection(address, timeout=INTERVAL)
    except OSError:
        return None


def _connect_again(address: tuple[str, int] | None) -> socket.socket | None:
    """Try for a few seconds: an engine under load may be slow to accept."""
    for _ in range(CONNECTION_ATTEMPTS):
        if connection := _connect(address):
            return connection
        threading.Event().wait(INTERVAL)
    return None


def _is_open(connection: socket.socket) -> bool:
    """Wait an interval; False if the other side has closed.

    A living engine closes too, after two minutes, what never speaks its protocol: connecting again tells.
    """
    try:
        return bool(connection.recv(4096))
    except TimeoutError:
        return True
    except OSError:
        return False


class OptOutFailed(Exception):  # noqa: N818 - people read it at the start of a line
    """A provider call failed; the text is one line without identifiers.

    The module's name is left out on purpose: a traceback's last line then starts with ``OptOutFailed:``.
    """

    __module__ = "builtins"


def clean_failures(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let a provider's method raise nothing but OptOutFailed."""

    @functools.wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(*args, **kwargs)
        except (VoiceIdError, OptOutFailed) as error:
            failure = OptOutFailed(str(error))
        except Exception as error:  # noqa: BLE001 - its text may hold an identifier, so it goes no further
            failure = OptOutFailed(f"unexpected {type(error).__name__} in {_place(error)}; please report this")
        raise failure  # outside the handlers: here it has no context to be printed

    return call


def _place(error: Exception) -> str:
    # walk_tb and not extract_tb, which finds nothing in a plugin process: its stack frames are switched off
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{Path(frame.f_code.co_filename).name}:{line}"


_SETTINGS = (*KEYS, *FULL_NAMES)
_R = TypeVar("_R")

PERSON_ERRORS = (UnknownSpeaker, ConcurrentChanges, Conflict, RequestInvalid)  # the next person may fare better


@dataclass(slots=True)
class WorkResult(Generic[_T, _R]):
    """What came of the items: results, failures, and how many were not started."""

    results: list[tuple[_T, _R]] = field(default_factory=list)
    failures: list[tuple[_T, VoiceIdError]] = field(default_factory=list)
    not_started: int = 0

    @property
    def left(self) -> int:
        """How many items are not done."""
        return len(self.failures) + self.not_started


class WorkerPool:
    """The threads that all shards of a process share: as many as it takes to reach the quota with slow answers.

    Several callers may use it at once, and each waits for its own items.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="worker")

    def map(self, work: Callable[[_T], _R], items: Iterable[_T]) -> WorkResult[_T, _R]:
        """Do the work for each item.

        A VoiceIdError about one person is kept, and the others go on. Any other VoiceIdError is kept too, and no
        further item is started. What else the work raises is raised here, once no worker is busy any more.
        """
        waiting = deque(items)
        outcome: WorkResult[_T, _R] = WorkResult()
        stopped = threading.Event()

        def run_worker() -> None:
            while not stopped.is_set():
                try:
                    item = waiting.popleft()
                except IndexError:
                    return
                try:
                    outcome.results.append((item, work(item)))
                except PERSON_ERRORS as error:
                    outcome.failures.append((item, error))
                except VoiceIdError as error:
                    stopped.set()
                    outcome.failures.append((item, error))
                except BaseException:
                    stopped.set()
                    raise

        # A future a thread and not one an item: most items are answered from memory.
        futures = [self._pool.submit(run_worker) for _ in range(min(self._size, len(waiting)))]
        errors = [error for future in futures if (error := future.exception()) is not None]
        if errors:
            raise errors[0]
        outcome.not_started = len(waiting)
        return outcome


class Runtime:
    """A client and its snapshots, made when first needed; thread-safe."""

    def __init__(self, settings: ClientSettings) -> None:
        self.workers = WorkerPool(settings.connections)  # starts no thread before a shard needs one
        self._settings = settings
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._snapshots: dict[str, Snapshot] = {}

    def snapshot(self, domain_id: str) -> Snapshot:
        """Return the snapshot of a domain."""
        # They bring botocore along, which takes 0.15 s, and a preview calls nobody.
        from voiceid_optout.voiceid.client import Client  # noqa: PLC0415
        from voiceid_optout.voiceid.snapshot import Snapshot  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                self._client = Client(self._settings, on_wait=say_wait)
            if domain_id not in self._snapshots:
                self._snapshots[domain_id] = Snapshot(self._client, domain_id)
            return self._snapshots[domain_id]


_runtimes: dict[ClientSettings, Runtime] = {}
_lock = threading.Lock()


def runtime_for(settings: ClientSettings) -> Runtime:
    """Return the runtime of this process for these settings."""
    with _lock:
        return _runtimes.setdefault(settings, Runtime(settings))


def configured(config: Config) -> Runtime:
    """Return the runtime for a stack's config, all text. Raises SettingsInvalid."""
    settings = {key: value for key in _SETTINGS if (value := config.get(key))}
    return runtime_for(ClientSettings.resolve(settings, os.environ))


def say_wait(operation: str, seconds: float) -> None:
    """Say that a call waits; a plugin's lines appear as messages of the engine."""
    sys.stderr.write(f"{wait_message(operation, seconds)}\n")
    sys.stderr.flush()
