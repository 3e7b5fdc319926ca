from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.bench import urn
from tests.state.states import PROVIDER, STACK, provider, stack, thing
from voiceid_optout.state.order import tidy


def test_a_valid_order_is_kept() -> None:
    items = (stack(), provider(), thing("b"), thing("a", "b"))
    assert tidy(items) == items


def test_what_is_used_moves_in_front_of_its_user() -> None:
    a, b, c = thing("a", "b"), thing("b", "c"), thing("c")
    assert tidy((a, c, b)) == (c, b, a)


def test_all_kinds_of_references_count() -> None:
    item = thing(
        "a",
        parent=STACK,
        provider=f"{PROVIDER}::uuid",
        property_dependencies={"val": [urn("b")]},
        deleted_with=urn("c"),
    )
    ordered = tidy((item, thing("b"), thing("c"), provider(), stack()))
    assert ordered[-1] == item


def test_copies_that_wait_for_their_deletion_stay_beside_the_new_one() -> None:
    old = thing("a", id="old", delete=True)
    items = (thing("a"), thing("b", "a"), old)
    assert tidy(items) == items


def test_references_to_what_is_gone_are_dropped() -> None:
    item = thing(
        "a", "gone", "b", parent=urn("gone"), deleted_with=urn("gone"),
        property_dependencies={"val": [urn("gone"), urn("b")], "name": []},
    )  # fmt: skip
    (_, tidied) = tidy((thing("b"), item))
    assert tidied.dependencies == (urn("b"),)
    assert tidied.property_dependencies == {"val": [urn("b")], "name": []}
    assert (tidied.parent, tidied.deleted_with) == ("", "")


def test_a_copy_that_waits_for_its_deletion_is_nothing_to_refer_to() -> None:
    old = thing("a", delete=True)
    assert tidy((old, thing("b", "a")))[1].dependencies == ()


def test_a_long_chain_in_the_wrong_order() -> None:
    chain = [thing(str(number), str(number + 1)) for number in range(5000)]
    ordered = tidy((*chain, thing("5000")))
    assert [item.urn for item in ordered] == [urn(str(number)) for number in range(5000, -1, -1)]


def test_a_circle_loses_nothing() -> None:
    assert {item.urn for item in tidy((thing("a", "b"), thing("b", "a")))} == {urn("a"), urn("b")}


@given(st.permutations(range(8)), st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12))
def test_any_order_becomes_a_valid_one(order: list[int], edges: list[tuple[int, int]]) -> None:
    uses = {number: [str(low) for low, high in edges if high == number and low < high] for number in range(8)}
    ordered = tidy([thing(str(number), *uses[number]) for number in order])
    place = {item.urn: number for number, item in enumerate(ordered)}
    assert len(place) == 8
    for item in ordered:
        assert all(place[need] < place[item.urn] for need in item.uses)


@pytest.mark.parametrize("missing", [STACK, PROVIDER])
def test_a_provider_is_never_dropped_from_its_resources(missing: str) -> None:
    (tidied,) = tidy((thing("a", parent=STACK, provider=f"{PROVIDER}::uuid"),))
    assert tidied.provider == f"{PROVIDER}::uuid"
