"""Which step a change leads to, and what it leaves: replacing, protecting, ignoring, renaming."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import urn
from voiceid_optout.engine.interface import Result

if TYPE_CHECKING:
    from tests.engine.bench import Bench, Ran

REPLACES = {"answer": {"changes": True, "replaces": ["val"]}}
REPLACES_LATE = {"answer": {"changes": True, "replaces": ["val"], "delete_before_replace": True}}


def sequence(ran: Ran, name: str) -> list[str]:
    """The provider's methods in the order they were called for a resource."""
    return [call["method"] for call in ran.calls if call["name"] == name]


def replacing(bench: Bench, diff: dict[str, Any], **faults: Any) -> None:
    bench.want(s0={"val": "b"}, s1={}, s2={})
    bench.faults({"diff:s0": diff, **faults})


def copies(bench: Bench) -> list[tuple[str, bool]]:
    return sorted((item.id, item.delete) for item in bench.checkpoint().resources if item.urn == urn("s0"))


def test_replace_creates_before_it_deletes(settled: Bench) -> None:
    replacing(settled, REPLACES)
    preview = settled.run("preview")
    assert preview.changes == {"replace": 1, "same": 3}
    ran = settled.up()
    assert ran.ok
    assert sequence(ran, "s0") == ["check", "diff", "check", "create", "delete"]
    assert [call["olds"] for call in ran.calls if (call["method"], call["name"]) == ("check", "s0")] == [
        {"name": "s0", "val": "a"},
        {},
    ]
    steps = [op for op, name in ran.steps() if name == "s0"]
    assert steps == ["create-replacement", "replace", "delete-replaced"]
    assert ran.changes == {"replace": 1, "same": 3}
    assert copies(settled) == [("id-s0-b", False)]
    assert settled.objects() == {"id-s0-b": "ON", "id-s1-a": "ON", "id-s2-a": "ON"}


@pytest.mark.parametrize("refresh", [False, True])
def test_replace_whose_create_fails(settled: Bench, refresh: bool) -> None:
    replacing(settled, REPLACES, **{"create:s0": {"error": "no room"}})
    ran = settled.up(refresh=refresh)
    assert not ran.ok
    assert "no room" in ran.errors
    assert copies(settled) == [("id-s0-a", False)]
    assert settled.objects()["id-s0-a"] == "ON"
    settled.faults({"diff:s0": REPLACES})
    assert settled.up(refresh=refresh).made() == [("create", "s0"), ("delete", "s0")]
    assert copies(settled) == [("id-s0-b", False)]


def test_replace_whose_delete_fails_is_finished_by_the_next_run(settled: Bench) -> None:
    replacing(settled, REPLACES, **{"delete:s0": {"error": "busy"}})
    ran = settled.up()
    assert ran.outcome.result is Result.PARTIAL
    assert copies(settled) == [("id-s0-a", True), ("id-s0-b", False)]
    settled.faults({"delete:s0": {"error": "busy"}})
    assert not settled.up().ok
    assert settled.run("refresh").made("read").count(("read", "s0")) == 2
    settled.faults()
    ran = settled.up()
    assert (ran.made(), ran.changes) == ([("delete", "s0")], {"same": 4})
    assert copies(settled) == [("id-s0-b", False)]
    assert "id-s0-a" not in settled.objects()


def test_two_old_copies_are_both_deleted(settled: Bench) -> None:
    replacing(settled, REPLACES, **{"delete:s0": {"error": "busy"}})
    settled.up()
    settled.want(s0={"val": "c"}, s1={}, s2={})
    settled.up()
    assert copies(settled) == [("id-s0-a", True), ("id-s0-b", True), ("id-s0-c", False)]
    settled.faults()
    assert settled.up().made() == [("delete", "s0"), ("delete", "s0")]
    assert settled.objects() == {"id-s0-c": "ON", "id-s1-a": "ON", "id-s2-a": "ON"}


def test_delete_before_replace(settled: Bench) -> None:
    replacing(settled, REPLACES_LATE)
    assert settled.run("preview").changes == {"replace": 1, "same": 3}
    ran = settled.up()
    assert sequence(ran, "s0") == ["check", "diff", "check", "delete", "create"]
    assert ran.changes == {"replace": 1, "same": 3}
    assert copies(settled) == [("id-s0-b", False)]


def test_delete_before_replace_as_an_option(bench: Bench) -> None:
    bench.want(s0={"delete_before_replace": True})
    bench.up()
    bench.want(s0={"val": "b", "delete_before_replace": True})
    bench.faults({"diff:s0": REPLACES})
    assert sequence(bench.up(), "s0") == ["check", "diff", "check", "delete", "create"]


def test_delete_before_replace_whose_create_fails(settled: Bench) -> None:
    replacing(settled, REPLACES_LATE, **{"create:s0": {"error": "no room"}})
    assert settled.up().outcome.result is Result.PARTIAL
    assert settled.things()["s0"].pending_replacement
    settled.faults({"diff:s0": REPLACES_LATE})
    ran = settled.up()
    assert ran.made() == [("create", "s0")]
    assert not settled.things()["s0"].pending_replacement
    assert copies(settled) == [("id-s0-b", False)]


def test_delete_before_replace_whose_delete_fails(settled: Bench) -> None:
    replacing(settled, REPLACES_LATE, **{"delete:s0": {"error": "busy"}})
    ran = settled.up()
    assert not ran.ok
    assert ("create", "s0") not in ran.made()
    assert copies(settled) == [("id-s0-a", False)]


def test_a_retained_one_is_replaced_without_a_delete(bench: Bench) -> None:
    bench.want(s0={"retain_on_delete": True})
    bench.up()
    bench.want(s0={"val": "b", "retain_on_delete": True})
    for diff in (REPLACES, REPLACES_LATE):
        bench.faults({"diff:s0": diff})
        assert bench.up().made() == [("create", "s0")]


def test_protected(bench: Bench) -> None:
    bench.want(s0={"protect": True}, s1={})
    bench.up()
    bench.want()
    preview = bench.run("preview")
    assert not preview.ok
    ran = bench.up()
    assert ran.outcome.result is Result.PARTIAL
    assert "s0" in ran.errors
    assert "protected" in ran.errors
    assert ran.made() == [("delete", "s1")]
    assert sorted(bench.things()) == ["s0"]
    assert not bench.run("destroy").ok
    assert bench.objects() == {"id-s0-a": "ON"}
    bench.want(s0={})
    assert bench.up().ok
    bench.want()
    assert bench.up().made() == [("delete", "s0")]


@pytest.mark.parametrize("diff", [REPLACES, REPLACES_LATE])
def test_a_protected_one_is_not_replaced(bench: Bench, diff: dict[str, Any]) -> None:
    bench.want(s0={"protect": True})
    bench.up()
    bench.want(s0={"val": "b", "protect": True})
    bench.faults({"diff:s0": diff})
    assert not bench.run("preview").ok
    ran = bench.up()
    assert not ran.ok
    assert ran.made() == []
    assert copies(bench) == [("id-s0-a", False)]


def test_ignore_changes(settled: Bench) -> None:
    settled.want(s0={"val": "b", "ignore_changes": ["val"]}, s1={"val": "b", "ignore_changes": ["*"]}, s2={})
    ran = settled.up()
    assert ran.changes == {"same": 4}
    state = settled.things()["s0"]
    assert (state.inputs["val"], state.ignore_changes) == ("a", ("val",))


def test_ignored_until_it_is_set(settled: Bench) -> None:
    settled.want(s0={"more": {"size": 1}, "ignore_changes": ["size"]}, s1={}, s2={})
    assert settled.up().changes == {"same": 4}
    assert "size" not in settled.things()["s0"].inputs


def test_without_an_answer_of_diff_the_engine_compares(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={"val": "b", "replace_on_changes": ["val"]}, s2={})
    settled.faults({f"diff:{name}": {"answer": {"changes": None}} for name in ("s0", "s1", "s2")})
    ran = settled.up()
    assert ran.made() == [("create", "s1"), ("delete", "s1"), ("update", "s0")]


def test_no_changes_beats_replaces(settled: Bench) -> None:
    replacing(settled, {"answer": {"changes": False, "replaces": ["val"]}})
    ran = settled.up()
    assert ran.changes == {"same": 4}
    state = settled.things()["s0"]
    assert (state.inputs["val"], state.outputs["val"]) == ("b", "a")


def test_renamed(bench: Bench) -> None:
    bench.want(s0={}, s1={"depends_on": ["s0"]})
    bench.up()
    bench.want(n0={"was": "s0"}, s1={"depends_on": ["n0"]})
    assert bench.run("preview").changes == {"same": 3}
    ran = bench.up()
    assert (ran.made(), ran.changes) == ([], {"same": 3})
    assert sorted(bench.things()) == ["n0", "s1"]
    assert bench.things()["s1"].dependencies == (urn("n0"),)
    ran = bench.up()
    assert (ran.made(), ran.changes) == ([], {"same": 3})


def test_renamed_while_its_user_fails(bench: Bench) -> None:
    bench.want(s0={}, s1={"depends_on": ["s0"]})
    bench.up()
    bench.want(n0={"was": "s0"}, s1={"depends_on": ["n0"], "val": "b"})
    bench.faults({"update:s1": {"error": "no room"}})
    assert not bench.up().ok
    bench.faults()
    assert bench.up().made() == [("update", "s1")]
    assert sorted(bench.things()) == ["n0", "s1"]


def test_timeouts_are_kept_in_seconds(bench: Bench) -> None:
    bench.want(s0={"custom_timeouts": {"create": "5m", "delete": "1h30m"}})
    assert bench.up().ok
    item = next(item for item in bench.document()["checkpoint"]["latest"]["resources"] if item["urn"] == urn("s0"))
    assert item["customTimeouts"] == {"create": 300, "delete": 5400}
    assert "300.0" not in bench.backend.state_file.read_text(encoding="utf-8")
