from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan.plans import step, steps
from voiceid_optout.plan import Action, Step
from voiceid_optout.plan.cut import Gap, cut, shares


def test_what_fits_is_not_cut() -> None:
    three = steps(Action.OPT_OUT, 3)
    assert cut(three, 3) == three
    assert cut([], 0) == []


def test_the_middle_gives_way_and_is_counted() -> None:
    ten = steps(Action.OPT_OUT, 10)
    assert cut(ten, 5) == [*ten[:3], Gap(5), *ten[-2:]]
    assert cut(ten, 1) == [ten[0], Gap(9)]
    assert cut(ten, 0) == [Gap(10)]


def test_one_release_among_a_thousand_opt_outs_stays_to_be_seen() -> None:
    many = [*steps(Action.OPT_OUT, 500), step(Action.RELEASE, 501), *steps(Action.OPT_OUT, 500, 502)]
    shown = cut(many, 5)
    assert shown == [*many[:2], Gap(498), many[500], Gap(498), *many[-2:]]


@pytest.mark.parametrize(
    ("counts", "room", "given_"),
    [
        ({Action.OPT_OUT: 5}, 3, [3]),
        ({Action.OPT_OUT: 100, Action.RELEASE: 2}, 10, [8, 2]),
        ({Action.OPT_OUT: 100, Action.RELEASE: 100}, 9, [5, 4]),
        ({Action.OPT_OUT: 1, Action.RELEASE: 1}, 9, [1, 1]),
        ({}, 9, []),
    ],
)
def test_room_is_divided(counts: dict[Action, int], room: int, given_: list[int]) -> None:
    found = shares(counts, room)
    assert sorted(found.values(), reverse=True) == given_


@settings(deadline=None)
@given(st.lists(st.sampled_from(list(Action))), st.integers(0, 30))
def test_nothing_is_lost_and_nothing_is_too_much(actions: list[Action], room: int) -> None:
    many = [Step(f"sp-{n}", action, "") for n, action in enumerate(actions)]
    shown = cut(many, room)
    rows = [item for item in shown if isinstance(item, Step)]
    assert len(rows) == min(room, len(many))
    assert len(rows) + sum(item.count for item in shown if isinstance(item, Gap)) == len(many)
    assert rows == [item for item in many if item in rows], "the order stays"
    assert room < len(set(actions)) or {row.action for row in rows} == set(actions)
    assert not any(isinstance(a, Gap) and isinstance(b, Gap) for a, b in pairwise(shown))
