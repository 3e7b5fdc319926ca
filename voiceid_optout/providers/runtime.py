"""What the providers of a plugin process share: the client, a snapshot for each domain, and the worker pool.

An engine may hold several providers in a process. They share what counts against the quotas of the account.
"""

from __future__ import annotations  # an annotation that is evaluated would load botocore

import os
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from voiceid_optout.voiceid import ConcurrentChanges, Conflict, RequestInvalid, UnknownSpeaker, VoiceIdError
from voiceid_optout.voiceid.aws_config import FULL_NAMES
from voiceid_optout.voiceid.pacing import wait_message
from voiceid_optout.voiceid.settings import KEYS, ClientSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pulumi.dynamic import Config

    from voiceid_optout.voiceid.client import Client
    from voiceid_optout.voiceid.snapshot import Snapshot

_SETTINGS = (*KEYS, *FULL_NAMES)
_T = TypeVar("_T")
_R = TypeVar("_R")

PERSON_ERRORS = (UnknownSpeaker, ConcurrentChanges, Conflict, RequestInvalid)  # the next person may fare better


@dataclass(slots=True)
class Outcome(Generic[_T, _R]):
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

    def map(self, work: Callable[[_T], _R], items: Iterable[_T]) -> Outcome[_T, _R]:
        """Do the work for each item.

        A VoiceIdError about one person is kept, and the others go on. Any other VoiceIdError is kept too, and no
        further item is started. What else the work raises is raised here, once no worker is busy any more.
        """
        waiting = deque(items)
        outcome: Outcome[_T, _R] = Outcome()
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
