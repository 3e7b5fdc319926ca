from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.engine.bench import THING, urn
from voiceid_optout.state.ledger import Entry, EntryKind, Ledger
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.snapshot import PendingOperation, Snapshot

K = EntryKind


def thing(name: str, id_: str = "", **keys: Any) -> ResourceState:
    return ResourceState(urn=urn(name), custom=True, type=THING, id=id_ or f"id-{name}", **keys)


A, B, C = thing("a"), thing("b"), thing("c")
BASE = Snapshot((A, B, C))


def names(snapshot: Snapshot) -> list[str]:
    return [item.urn.split("::")[-1] for item in snapshot.resources]


def test_untouched() -> None:
    assert Ledger(BASE).snapshot() == BASE


def test_what_is_finished_comes_first_and_in_that_order() -> None:
    ledger = Ledger(BASE)
    ledger.record(K.PUT, thing("d"))
    ledger.record(K.SAME, C)
    ledger.record(K.PUT, replace(A, id="new"))
    assert names(ledger.snapshot()) == ["d", "c", "a", "b"]
    assert ledger.snapshot().resources[2].id == "new"


def test_the_last_word_counts() -> None:
    ledger = Ledger(BASE)
    for id_ in ("1", "2"):
        ledger.record(K.PUT, replace(A, id=id_))
        ledger.record(K.SAME, B)
    assert [item.id for item in ledger.snapshot().resources] == ["2", "id-b", "id-c"]


def test_removed() -> None:
    ledger = Ledger(BASE)
    ledger.record(K.PUT, A)
    ledger.record(K.REMOVE, A)
    ledger.record(K.REMOVE, B)
    ledger.record(K.REMOVE, thing("never-there"))
    assert names(ledger.snapshot()) == ["c"]


@pytest.mark.parametrize("refreshed", [False, True])
def test_replaced(refreshed: bool) -> None:
    ledger = Ledger(BASE)
    if refreshed:
        ledger.record(K.PUT, A)
    ledger.record(K.REPLACED, A)
    between = [(item.urn, item.delete) for item in ledger.snapshot().resources]
    assert between.count((A.urn, False)) == 0  # else the next run would delete what the live entry stands for
    assert between.count((A.urn, True)) == 1
    ledger.record(K.PUT, thing("a", "new"))
    state = ledger.snapshot().resources
    assert [(item.id, item.delete) for item in state if item.urn == A.urn] == [("new", False), ("id-a", True)]
    ledger.record(K.REMOVE, replace(A, delete=True))
    assert [item.id for item in ledger.snapshot().resources if item.urn == A.urn] == ["new"]


def test_several_old_copies() -> None:
    old = tuple(thing("a", id_, delete=True) for id_ in ("1", "2"))
    ledger = Ledger(Snapshot((A, *old)))
    assert ledger.snapshot().resources == (A, *old)
    ledger.record(K.REPLACED, A)
    ledger.record(K.PUT, thing("a", "new"))
    ledger.record(K.REMOVE, old[0])
    assert [(item.id, item.delete) for item in ledger.snapshot().resources] == [
        ("new", False),
        ("2", True),
        ("id-a", True),
    ]


class TestRenamed:
    def test_goes_on_in_its_place(self) -> None:
        ledger = Ledger(BASE)
        ledger.record(K.RENAMED, B, renamed=urn("new"))
        assert ledger.snapshot().resources == (A, replace(B, urn=urn("new")), C)
        ledger.record(K.SAME, replace(B, urn=urn("new")))
        assert names(ledger.snapshot()) == ["new", "a", "c"]

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"parent": urn("b")}, {"parent": urn("new")}),
            ({"dependencies": (A.urn, B.urn)}, {"dependencies": (A.urn, urn("new"))}),
            ({"property_dependencies": {"x": [B.urn]}}, {"property_dependencies": {"x": [urn("new")]}}),
            ({"deleted_with": B.urn}, {"deleted_with": urn("new")}),
            ({"parent": A.urn}, {"parent": A.urn}),
        ],
    )
    @pytest.mark.parametrize("finished", [False, True])
    def test_those_who_use_it_follow(self, before: dict[str, Any], after: dict[str, Any], finished: bool) -> None:
        user = thing("z", **before)
        ledger = Ledger(Snapshot((A, B, user)))
        if finished:
            ledger.record(K.PUT, user)
        ledger.record(K.RENAMED, B, renamed=urn("new"))
        assert [item for item in ledger.snapshot().resources if item.urn == user.urn] == [thing("z", **after)]

    def test_with_its_pending_operations(self) -> None:
        notes = (PendingOperation(B, "creating"), PendingOperation(A, "deleting"))
        ledger = Ledger(Snapshot(BASE.resources, notes))
        ledger.record(K.RENAMED, B, renamed=urn("new"))
        new = replace(B, urn=urn("new"))
        assert ledger.snapshot().pending == (PendingOperation(new, "creating"), notes[1])
        ledger.record(K.PUT, new)
        assert ledger.snapshot().pending == (notes[1],)


class TestPending:
    @pytest.mark.parametrize("operation", ["creating", "updating", "deleting"])
    @pytest.mark.parametrize("end", [K.PUT, K.REMOVE, K.FAILED])
    def test_begun_and_ended(self, operation: str, end: EntryKind) -> None:
        ledger = Ledger(BASE)
        ledger.record(K.BEGIN, A, operation)
        assert ledger.snapshot() == Snapshot(BASE.resources, (PendingOperation(A, operation),))
        ledger.record(end, A)
        assert ledger.snapshot().pending == ()

    def test_a_failure_changes_nothing_else(self) -> None:
        ledger = Ledger(BASE)
        ledger.record(K.BEGIN, replace(A, id=""), "updating")
        ledger.record(K.FAILED, A)
        assert ledger.snapshot() == BASE

    def test_a_copy_put_aside_ends_no_step(self) -> None:
        ledger = Ledger(BASE)
        ledger.record(K.BEGIN, A, "creating")
        ledger.record(K.REPLACED, A)
        assert [item.type for item in ledger.snapshot().pending] == ["creating"]

    def test_of_other_resources(self) -> None:
        ledger = Ledger(BASE)
        ledger.record(K.BEGIN, A, "updating")
        ledger.record(K.PUT, B)
        assert [item.resource for item in ledger.snapshot().pending] == [A]

    def test_of_an_earlier_run(self) -> None:
        notes = tuple(PendingOperation(A, kind) for kind in ("creating", "updating", "deleting"))
        ledger = Ledger(Snapshot(BASE.resources, notes))
        ledger.record(K.SAME, A)
        assert ledger.snapshot().pending == (notes[0],)  # it says nothing of a create that nobody saw the end of


class TestOrder:
    def test_what_is_used_stands_before_its_users(self) -> None:
        a, b, c = (
            thing("a", parent=urn("b")),
            thing("b", provider=f"{urn('c')}::id"),
            thing("c"),
        )
        ledger = Ledger(Snapshot((c, b, a)))
        for item in (a, b, c):
            ledger.record(K.SAME, item)
        assert names(ledger.snapshot()) == ["c", "b", "a"]

    @pytest.mark.parametrize(
        "use",
        [{"dependencies": (urn("z"),)}, {"property_dependencies": {"val": [urn("z")]}}, {"deleted_with": urn("z")}],
    )
    def test_of_every_use(self, use: dict[str, Any]) -> None:
        ledger = Ledger(Snapshot((thing("z"), thing("a", **use))))
        ledger.record(K.SAME, thing("a", **use))
        assert names(ledger.snapshot()) == ["z", "a"]

    def test_what_is_not_there_is_passed_over(self) -> None:
        assert names(Ledger(Snapshot((thing("a", parent=urn("gone")),))).snapshot()) == ["a"]

    def test_an_old_copy_stands_for_nobody(self) -> None:
        old, user = thing("a", delete=True), thing("b", dependencies=(urn("a"),))
        ledger = Ledger(Snapshot((old, A, user)))
        assert [item.delete for item in ledger.snapshot().resources] == [True, False, False]


def test_every_entry_but_same_is_written_first() -> None:
    seen: list[Entry] = []
    ledger = Ledger(BASE, seen.append)
    for kind in EntryKind:
        ledger.record(kind, A, "updating" if kind is K.BEGIN else "", A.urn if kind is K.RENAMED else "")
    assert [entry.kind for entry in seen] == [kind for kind in EntryKind if kind is not K.SAME]
    assert seen[0] == Entry(K.BEGIN, A, "updating")


def test_what_cannot_be_written_counts_all_the_same() -> None:
    def write(_entry: Entry) -> None:
        raise OSError("no room")

    ledger = Ledger(BASE, write)
    with pytest.raises(OSError, match="no room"):
        ledger.record(K.PUT, thing("new"))
    assert thing("new") in ledger.snapshot().resources
