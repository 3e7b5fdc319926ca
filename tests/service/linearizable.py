"""Is a history of calls linearizable: can each have happened at one moment between its start and its end?

The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993), with Lowe's memory of what was
tried ("Testing for Linearizability", 2017). No library on PyPI does it. Known programs are Porcupine, in Go, and
Knossos, in Clojure. Time and memory grow exponentially with how many calls overlap: histories should be short.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

What = TypeVar("What")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Call(Generic[What, Answer]):
    """``what`` was asked and what it gave, with times of one clock.

    One of whom no end is known (``completed`` is infinite) may have happened at any time since, or never.
    """

    what: What
    answer: Answer | None
    invoked: float
    completed: float = math.inf


def order_of(
    history: Sequence[Call[What, Answer]],
    initial: Hashable,
    step: Callable[[Hashable, Call[What, Answer]], Iterable[Hashable]],
) -> list[int] | None:
    """Return an order in which the calls can have happened, by their places in ``history``; None if there is none.

    ``step(state, call)`` gives the states that the call may leave behind, none if its answer is impossible in that
    state. A call without an end has no answer. Calls without an end that did not happen are not in the order.
    """
    whole = sum(1 << place for place, call in enumerate(history) if call.completed < math.inf)
    tried: set[tuple[int, Hashable]] = set()
    order: list[int] = []
    # A frame a call in the order: what is done, and the choices left to go on with.
    frames = [_choices(history, 0, initial, step)]
    if not whole:
        return order
    while frames:
        choice = next(frames[-1], None)
        if choice is None:
            frames.pop()
            if order:
                order.pop()
            continue
        place, done, state = choice
        if (done, state) in tried:
            continue
        tried.add((done, state))
        order.append(place)
        if done & whole == whole:
            return order
        frames.append(_choices(history, done, state, step))
    return None


def _choices(
    history: Sequence[Call[What, Answer]],
    done: int,
    state: Hashable,
    step: Callable[[Hashable, Call[What, Answer]], Iterable[Hashable]],
) -> Iterator[tuple[int, int, Hashable]]:
    """Yield the calls that may come next, each with what is done and the state after it."""
    left = [place for place in range(len(history)) if not done >> place & 1]
    # What begins after another has ended comes after it.
    soonest = min((history[place].completed for place in left), default=math.inf)
    for place in left:
        if history[place].invoked <= soonest:
            for after in step(state, history[place]):
                yield place, done | 1 << place, after
