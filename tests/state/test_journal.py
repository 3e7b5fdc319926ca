from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.bench import urn
from tests.state.states import PROVIDER, STACK, provider, stack, thing
from tests.tables import each_row
from voiceid_optout.state.checkpoint import Checkpoint, PendingOperation
from voiceid_optout.state.journal import EntryKind, Journal, JournalEntry, tidy

K = EntryKind


A, B, C = thing("a"), thing("b"), thing("c")
BASE = Checkpoint((A, B, C))


def names(state: Checkpoint) -> list[str]:
    return [item.urn.split("::")[-1] for item in state.resources]


def test_kinds_are_the_words_of_the_file() -> None:
    """Journals of killed runs are read by later versions."""
    assert [kind.value for kind in K] == ["begin", "put", "same", "replaced", "renamed", "remove", "failed"]
    assert JournalEntry(K.PUT, A) == JournalEntry(K.PUT, A, "", "")


def test_untouched() -> None:
    assert Journal(BASE).checkpoint() == BASE


def test_what_is_finished_comes_first_and_in_that_order() -> None:
    journal = Journal(BASE)
    journal.record(K.PUT, thing("d"))
    journal.record(K.SAME, C)
    journal.record(K.PUT, replace(A, id="new"))
    assert names(journal.checkpoint()) == ["d", "c", "a", "b"]
    assert journal.checkpoint().resources[2].id == "new"


def test_the_last_word_counts() -> None:
    journal = Journal(BASE)
    for id_ in ("1", "2"):
        journal.record(K.PUT, replace(A, id=id_))
        journal.record(K.SAME, B)
    assert [item.id for item in journal.checkpoint().resources] == ["2", "id-b", "id-c"]


def test_what_is_finished_again_comes_last() -> None:
    journal = Journal(BASE)
    for item in (A, B, A):
        journal.record(K.PUT, item)
    assert names(journal.checkpoint()) == ["b", "a", "c"]


def test_removed() -> None:
    journal = Journal(BASE)
    journal.record(K.PUT, A)
    journal.record(K.REMOVE, A)
    journal.record(K.REMOVE, B)
    journal.record(K.REMOVE, thing("never-there"))
    assert names(journal.checkpoint()) == ["c"]


@pytest.mark.parametrize("refreshed", [False, True])
def test_replaced(refreshed: bool) -> None:
    journal = Journal(BASE)
    if refreshed:
        journal.record(K.PUT, A)
    journal.record(K.REPLACED, A)
    between = [(item.urn, item.delete) for item in journal.checkpoint().resources]
    assert between.count((A.urn, False)) == 0  # else the next run would delete what the live entry stands for
    assert between.count((A.urn, True)) == 1
    journal.record(K.PUT, thing("a", id="new"))
    state = journal.checkpoint().resources
    assert [(item.id, item.delete) for item in state if item.urn == A.urn] == [("new", False), ("id-a", True)]
    journal.record(K.REMOVE, replace(A, delete=True))
    assert [item.id for item in journal.checkpoint().resources if item.urn == A.urn] == ["new"]


def test_several_old_copies() -> None:
    old = tuple(thing("a", id=id_, delete=True) for id_ in ("1", "2"))
    journal = Journal(Checkpoint((A, *old)))
    assert journal.checkpoint().resources == (A, *old)
    journal.record(K.REPLACED, A)
    journal.record(K.PUT, thing("a", id="new"))
    journal.record(K.REMOVE, old[0])
    assert [(item.id, item.delete) for item in journal.checkpoint().resources] == [
        ("new", False),
        ("2", True),
        ("id-a", True),
    ]


class TestRenamed:
    def test_goes_on_in_its_place(self) -> None:
        journal = Journal(BASE)
        journal.record(K.RENAMED, B, renamed=urn("new"))
        assert journal.checkpoint().resources == (A, replace(B, urn=urn("new")), C)
        journal.record(K.SAME, replace(B, urn=urn("new")))
        assert names(journal.checkpoint()) == ["new", "a", "c"]

    @each_row(
        ("before", "after"),
        [
            ({"parent": urn("b")}, {"parent": urn("new")}),
            ({"dependencies": (A.urn, B.urn)}, {"dependencies": (A.urn, urn("new"))}),
            ({"property_dependencies": {"x": [B.urn]}}, {"property_dependencies": {"x": [urn("new")]}}),
            ({"deleted_with": B.urn}, {"deleted_with": urn("new")}),
            ({"parent": A.urn}, {"parent": A.urn}),
        ],
    )
    @each_row("finished", [False, True])
    def test_those_who_use_it_follow(self, before: dict[str, Any], after: dict[str, Any], finished: bool) -> None:
        user = thing("z", **before)
        journal = Journal(Checkpoint((A, B, user)))
        if finished:
            journal.record(K.PUT, user)
        journal.record(K.RENAMED, B, renamed=urn("new"))
        assert [item for item in journal.checkpoint().resources if item.urn == user.urn] == [thing("z", **after)]

    def test_with_its_pending_operations(self) -> None:
        notes = (PendingOperation(B, "creating"), PendingOperation(A, "deleting"))
        journal = Journal(Checkpoint(BASE.resources, notes))
        journal.record(K.RENAMED, B, renamed=urn("new"))
        new = replace(B, urn=urn("new"))
        assert journal.checkpoint().pending == (PendingOperation(new, "creating"), notes[1])
        journal.record(K.PUT, new)
        assert journal.checkpoint().pending == (notes[1],)


class TestPending:
    @each_row("operation", ["creating", "updating", "deleting"])
    @each_row("end", [K.PUT, K.REMOVE, K.FAILED])
    def test_begun_and_ended(self, operation: str, end: EntryKind) -> None:
        journal = Journal(BASE)
        journal.record(K.BEGIN, A, operation)
        assert journal.checkpoint() == Checkpoint(BASE.resources, (PendingOperation(A, operation),))
        journal.record(end, A)
        assert journal.checkpoint().pending == ()

    def test_a_failure_changes_nothing_else(self) -> None:
        journal = Journal(BASE)
        journal.record(K.BEGIN, replace(A, id=""), "updating")
        journal.record(K.FAILED, A)
        assert journal.checkpoint() == BASE

    def test_a_copy_put_aside_ends_no_step(self) -> None:
        journal = Journal(BASE)
        journal.record(K.BEGIN, A, "creating")
        journal.record(K.REPLACED, A)
        assert [item.type for item in journal.checkpoint().pending] == ["creating"]

    def test_of_other_resources(self) -> None:
        journal = Journal(BASE)
        journal.record(K.BEGIN, A, "updating")
        journal.record(K.PUT, B)
        assert [item.resource for item in journal.checkpoint().pending] == [A]

    def test_of_an_earlier_run(self) -> None:
        notes = tuple(PendingOperation(A, kind) for kind in ("creating", "updating", "deleting"))
        journal = Journal(Checkpoint(BASE.resources, notes))
        journal.record(K.SAME, A)
        assert journal.checkpoint().pending == (notes[0],)  # it says nothing of a create that nobody saw the end of

    def test_creates_that_nobody_asks_for_any_more_are_forgotten_and_nothing_else_is(self) -> None:
        kept = (PendingOperation(A, "updating"), PendingOperation(B, "deleting"))
        journal = Journal(Checkpoint(BASE.resources, (PendingOperation(thing("d"), "creating"), *kept)))
        journal.forget_creates()
        assert journal.checkpoint() == Checkpoint(BASE.resources, kept)


class TestOrder:
    def test_what_is_used_stands_before_its_users(self) -> None:
        a, b, c = (
            thing("a", parent=urn("b")),
            thing("b", provider=f"{urn('c')}::id"),
            thing("c"),
        )
        journal = Journal(Checkpoint((c, b, a)))
        for item in (a, b, c):
            journal.record(K.SAME, item)
        assert names(journal.checkpoint()) == ["c", "b", "a"]

    @each_row(
        "use",
        [{"dependencies": (urn("z"),)}, {"property_dependencies": {"val": [urn("z")]}}, {"deleted_with": urn("z")}],
    )
    def test_of_every_use(self, use: dict[str, Any]) -> None:
        journal = Journal(Checkpoint((thing("z"), thing("a", **use))))
        journal.record(K.SAME, thing("a", **use))
        assert names(journal.checkpoint()) == ["z", "a"]

    def test_what_is_not_there_is_passed_over(self) -> None:
        assert names(Journal(Checkpoint((thing("a", parent=urn("gone")),))).checkpoint()) == ["a"]

    def test_an_old_copy_stands_for_nobody(self) -> None:
        old, user = thing("a", delete=True), thing("b", dependencies=(urn("a"),))
        journal = Journal(Checkpoint((old, A, user)))
        assert [item.delete for item in journal.checkpoint().resources] == [True, False, False]


def test_every_entry_but_same_is_written_first() -> None:
    seen: list[JournalEntry] = []
    journal = Journal(BASE, seen.append)
    for kind in EntryKind:
        journal.record(kind, A, "updating" if kind is K.BEGIN else "", A.urn if kind is K.RENAMED else "")
    assert [entry.kind for entry in seen] == [kind for kind in EntryKind if kind is not K.SAME]
    assert seen[:2] == [JournalEntry(K.BEGIN, A, "updating", ""), JournalEntry(K.PUT, A, "", "")]
    journal.record(K.PUT, B)
    assert seen[-1] == JournalEntry(K.PUT, B, "", "")


def test_that_a_step_begins_is_on_disk_before_it_does() -> None:
    seen: list[str] = []
    journal = Journal(BASE, lambda entry: seen.append(entry.kind), lambda: seen.append("synced"))
    for kind in (K.BEGIN, K.PUT, K.BEGIN, K.FAILED, K.REMOVE):
        journal.record(kind, A, "updating" if kind is K.BEGIN else "")
    assert seen == ["begin", "synced", "put", "begin", "synced", "failed", "remove"]


def test_what_cannot_be_written_counts_all_the_same() -> None:
    def write(_entry: JournalEntry) -> None:
        raise OSError("no room")

    journal = Journal(BASE, write)
    with pytest.raises(OSError, match="no room"):
        journal.record(K.PUT, thing("new"))
    assert thing("new") in journal.checkpoint().resources


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


@pytest.mark.parametrize("kept", [{"parent": urn("b")}, {"deleted_with": urn("b")}])
def test_references_beside_one_that_is_gone_stay(kept: dict[str, str]) -> None:
    item = thing("a", "gone", **kept)
    assert tidy((thing("b"), item))[1] == replace(item, dependencies=())


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
