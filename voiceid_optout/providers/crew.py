"""The threads that all shards of a process share: as many as it takes to reach the quota with slow answers."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from voiceid_optout.voiceid import ConcurrentChanges, Conflict, RequestInvalid, UnknownSpeaker, VoiceIdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_T = TypeVar("_T")
_R = TypeVar("_R")

ABOUT_ONE = (UnknownSpeaker, ConcurrentChanges, Conflict, RequestInvalid)  # the next person may fare better


@dataclass(slots=True)
class Done(Generic[_T, _R]):
    """What came of a piece of work: results, failures, and how many items nobody has begun with."""

    results: list[tuple[_T, _R]] = field(default_factory=list)
    failures: list[tuple[_T, VoiceIdError]] = field(default_factory=list)
    untouched: int = 0

    @property
    def left(self) -> int:
        """How many items are not done."""
        return len(self.failures) + self.untouched


class Crew:
    """A pool of threads; several callers may use it at once, and each waits for its own work."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="crew")

    def each(self, work: Callable[[_T], _R], items: Iterable[_T]) -> Done[_T, _R]:
        """Do the work for each item.

        A VoiceIdError about one person is kept, and the others go on; any other is kept too and lets nothing
        further begin. What else the work raises is raised here, once nothing is under way any more.
        """
        waiting = deque(items)
        done: Done[_T, _R] = Done()
        stopped = threading.Event()

        def take() -> None:
            while not stopped.is_set():
                try:
                    item = waiting.popleft()
                except IndexError:
                    return
                try:
                    done.results.append((item, work(item)))
                except ABOUT_ONE as error:
                    done.failures.append((item, error))
                except VoiceIdError as error:
                    stopped.set()
                    done.failures.append((item, error))
                except BaseException:
                    stopped.set()
                    raise

        # A future a thread and not one an item: most items are answered from memory.
        futures = [self._pool.submit(take) for _ in range(min(self._size, len(waiting)))]
        errors = [error for future in futures if (error := future.exception()) is not None]
        if errors:
            raise errors[0]
        done.untouched = len(waiting)
        return done
