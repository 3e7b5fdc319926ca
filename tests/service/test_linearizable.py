"""The checker of histories, on known ones and against the definition itself."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.linearizable import Call, order_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

Register = Call[tuple[str, int], int]


def step(state: Hashable, call: Register) -> Iterator[Hashable]:
    """A register of one number: ``put`` gives nothing, ``get`` what was put last."""
    kind, value = call.what
    if kind == "put":
        yield value
    elif call.answer in (None, state):
        yield state


def put(value: int, invoked: float, completed: float = math.inf) -> Register:
    return Call(("put", value), None, invoked, completed)


def get(value: int, invoked: float, completed: float) -> Register:
    return Call(("get", 0), value, invoked, completed)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([], id="nothing"),
        pytest.param([put(1, 0, 1), get(1, 2, 3)], id="one after the other"),
        # The example of Porcupine's README: two reads during a write, one sees it and one does not yet.
        pytest.param([put(100, 0, 100), get(100, 25, 75), get(0, 30, 60)], id="reads during a write"),
        pytest.param([put(1, 0, 9), put(2, 1, 8), get(1, 10, 11)], id="writes that overlap, either is the last"),
        pytest.param([put(1, 0), get(0, 1, 2), get(1, 3, 4)], id="no end known, and done late"),
        pytest.param([put(1, 0), get(0, 1, 2), get(0, 3, 4)], id="no end known, and never done"),
    ],
)
def test_what_can_have_happened_one_by_one(history: list[Register]) -> None:
    assert order_of(history, 0, step) is not None


@pytest.mark.parametrize(
    "history",
    [
        # The second example there: a read sees the write, and a later one does not.
        pytest.param([put(200, 0, 100), get(200, 10, 30), get(0, 40, 90)], id="back to what was"),
        pytest.param([put(1, 0, 1), get(0, 2, 3)], id="a read that is stale"),
        pytest.param([put(1, 0, 1), put(2, 2, 3), get(1, 4, 5)], id="a write that is lost"),
        pytest.param([get(1, 0, 1), put(1, 2, 3)], id="a read of what is to come"),
        pytest.param([get(7, 0, 9), put(1, 0, 9)], id="what nobody wrote"),
        pytest.param([put(1, 3), get(1, 1, 2)], id="no end known, and seen before its start"),
        pytest.param([put(1, 0, 9), put(2, 0, 9), get(1, 10, 11), get(2, 12, 13)], id="two reads of two orders"),
    ],
)
def test_what_cannot_have_happened_one_by_one(history: list[Register]) -> None:
    assert order_of(history, 0, step) is None


calls = st.builds(
    lambda kind, value, invoked, took: Call(
        (kind, value if kind == "put" else 0),
        value if kind == "get" and took < math.inf else None,
        invoked,
        invoked + took,
    ),
    st.sampled_from(("put", "get")),
    st.integers(0, 2),
    st.integers(0, 6),
    st.sampled_from((1, 2, 4, math.inf)),
)


def fits(order: Sequence[Register]) -> bool:
    """The definition: each answer follows from the ones before, and nobody comes before one who had ended."""
    state: Any = 0
    for place, call in enumerate(order):
        states = list(step(state, call))
        if not states or any(later.completed < call.invoked for later in order[place:]):
            return False
        state = states[0]
    return True


@given(st.lists(calls, max_size=5))
def test_it_finds_what_the_definition_finds(history: list[Register]) -> None:
    open_ended = [place for place, call in enumerate(history) if call.completed == math.inf]
    possible = any(
        fits([history[place] for place in order])
        for count in range(len(open_ended) + 1)
        for left_out in itertools.combinations(open_ended, count)
        for order in itertools.permutations([place for place in range(len(history)) if place not in left_out])
    )
    found = order_of(history, 0, step)
    assert (found is not None) == possible
    if found is not None:
        assert fits([history[place] for place in found])
