"""What registrations become: every kind of step, and how each can fail."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.bench import urn
from voiceid_optout.engine.interface import Result
from voiceid_optout.state import OutOfScope, OutOfScopeError
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from tests.engine.bench import Bench, Ran

REPLACE = {"answer": {"changes": True, "replaces": ["val"]}}
BEFORE = {"answer": {"changes": True, "replaces": ["val"], "delete_before_replace": True}}


def copies(bench: Bench) -> dict[str, dict[str, Any]]:
    """Resources of the state with their marks; an old copy has a name of its own."""
    latest = bench.document()["checkpoint"]["latest"]
    found = {}
    for item in latest["resources"]:
        if ":dynamic/" in item["urn"]:
            found[item["urn"].split("::")[-1] + (" (old)" if item.get("delete") else "")] = item
    return found


def add(bench: Bench, text: str) -> None:
    program = (bench.root / "__main__.py").read_text(encoding="utf-8")
    bench.write("__main__.py", f"{program}\n{text}\n")


def replacing(bench: Bench, fault: dict[str, Any], **more: Any) -> None:
    """Let s1 be replaced."""
    bench.want(s0={}, s1={"val": "b"}, s2={})
    bench.faults({"diff:s1": fault, **more})


def test_create_update_same_and_what_is_stored(settled: Bench) -> None:
    before = settled.things()
    settled.want(s0={}, s1={"val": "b"}, s2={}, s3={})
    ran = settled.up()
    assert ran.made() == [("create", "s3"), ("update", "s1")]
    after = settled.things()
    assert after["s0"] == before["s0"]
    assert (after["s1"].created, after["s1"].id) == (before["s1"].created, "id-s1-a")
    assert after["s1"].modified > before["s1"].modified
    assert after["s3"].outputs == {**after["s3"].inputs, "status": "ON"}
    assert after["s3"].created == after["s3"].modified


def test_a_preview_changes_nothing(settled: Bench) -> None:
    before, objects = settled.backend.state_file.read_bytes(), settled.objects()
    settled.want(s0={"val": "b"}, s1={"val": "b"}, s3={}, s4={"val_from": "s3"})
    settled.faults({"diff:s0": REPLACE, "diff:s1": BEFORE})
    ran = settled.run("preview")
    assert ran.ok
    assert ran.made() == []
    assert ran.changes == {"create": 2, "delete": 1, "replace": 2, "same": 1}
    assert (settled.backend.state_file.read_bytes(), settled.objects()) == (before, objects)
    assert not settled.backend.journal_file.exists()


@pytest.mark.parametrize("operation", ["up", "preview"])
def test_a_failed_check(settled: Bench, operation: str) -> None:
    settled.want(s0={"val": "b"}, s1={}, s2={})
    settled.faults({"check:s0": {"answer": "is wrong"}})
    ran = settled.run(operation)
    assert ran.outcome.result is Result.FAILED
    assert ran.outcome.errors == ("property val: is wrong",)
    assert settled.status() == {"s0": "ON", "s1": "ON", "s2": "ON"}


@pytest.mark.parametrize("fault", ["check:s0", "diff:s0", "update:s0", "create:s3"])
def test_a_method_that_raises_leaves_the_resource_as_it_was(settled: Bench, fault: str) -> None:
    before = settled.things()["s0"]
    settled.want(s0={"val": "b"}, s1={}, s2={}, s3={})
    settled.faults({fault: {"error": "the cloud says no"}})
    ran = settled.up(continue_on_error=True)
    assert ran.outcome.errors == ("the cloud says no",)
    things = settled.things()
    if fault == "create:s3":
        assert "s3" not in things
    else:
        assert things["s0"] == before
    assert settled.checkpoint().pending == ()
    settled.faults()
    assert settled.up().ok
    assert {name: item.inputs["val"] for name, item in settled.things().items()} == {
        "s0": "b", "s1": "a", "s2": "a", "s3": "a"
    }  # fmt: skip


def test_a_create_without_an_id_is_not_kept(settled: Bench) -> None:
    settled.want(s0={}, s1={}, s2={}, s3={})
    settled.faults({"create:s3": {"answer": ""}})
    ran = settled.up()
    assert ran.outcome.result is Result.FAILED
    assert ran.outcome.errors == ("the provider returned no id for a resource it created",)
    assert (sorted(settled.things()), settled.checkpoint().pending) == (["s0", "s1", "s2"], ())


def test_replace_creates_first(settled: Bench) -> None:
    replacing(settled, REPLACE)
    ran = settled.up()
    assert ran.ok
    order = [call["method"] for call in ran.calls if call["name"] == "s1"]
    assert order == ["check", "diff", "check", "create", "delete"]
    checks = [call["olds"] for call in ran.calls if (call["method"], call["name"]) == ("check", "s1")]
    assert checks[1] == {}
    assert ran.changes == {"replace": 1, "same": 3}
    assert settled.objects() == {"id-s0-a": "ON", "id-s1-b": "ON", "id-s2-a": "ON"}
    assert copies(settled)["s1"]["id"] == "id-s1-b"
    assert "s1 (old)" not in copies(settled)


@pytest.mark.parametrize("refresh", [False, True])
@pytest.mark.parametrize("fault", [{"error": "no room"}, {"kill": 1}, {"answer": ""}])
def test_replace_whose_create_fails_leaves_the_old_one(
    settled: Bench, fault: dict[str, Any], refresh: bool
) -> None:
    replacing(settled, REPLACE, **{"create:s1": fault})
    before = settled.things()["s1"]
    assert not settled.up(refresh=refresh).ok
    assert settled.things()["s1"] == before
    assert "s1 (old)" not in copies(settled)
    settled.faults({"diff:s1": REPLACE})
    again = settled.up(refresh=refresh)
    assert again.ok
    assert again.made() == [("create", "s1"), ("delete", "s1")]
    assert settled.objects() == {"id-s0-a": "ON", "id-s1-b": "ON", "id-s2-a": "ON"}


def test_a_replace_given_up_after_a_kill_keeps_the_old_one(settled: Bench) -> None:
    """The create may have happened or not; the program wants the old one again, and it is the same object."""
    replacing(settled, REPLACE, **{"create:s1": {"kill": 1}})
    settled.up(refresh=True)
    settled.faults()
    settled.want(s0={}, s1={}, s2={})
    assert settled.up(refresh=True).made() == []
    assert settled.objects() == {"id-s0-a": "ON", "id-s1-a": "ON", "id-s2-a": "ON"}


def test_replace_whose_delete_fails_keeps_both_until_the_next_run(settled: Bench) -> None:
    replacing(settled, REPLACE, **{"delete:s1": {"error": "still in use"}})
    ran = settled.up()
    assert ran.outcome.result is Result.PARTIAL
    assert ran.outcome.errors == ("still in use",)
    assert {name: item["id"] for name, item in copies(settled).items() if "s1" in name} == {
        "s1": "id-s1-b", "s1 (old)": "id-s1-a"
    }  # fmt: skip
    settled.faults()
    again = settled.up()
    assert again.made() == [("delete", "s1")]
    assert "s1 (old)" not in copies(settled)
    assert "id-s1-a" not in settled.objects()


@pytest.mark.parametrize("way", ["provider", "option"])
def test_replace_deletes_first(settled: Bench, way: str) -> None:
    replacing(settled, BEFORE if way == "provider" else REPLACE)
    if way == "option":
        settled.want(s0={}, s1={"val": "b", "delete_before_replace": True}, s2={})
    ran = settled.up()
    assert ran.ok
    assert [call["method"] for call in ran.calls if call["name"] == "s1"][-2:] == ["delete", "create"]
    assert settled.objects() == {"id-s0-a": "ON", "id-s1-b": "ON", "id-s2-a": "ON"}
    assert "pendingReplacement" not in copies(settled)["s1"]


def test_replace_that_deletes_first_and_fails_to(settled: Bench) -> None:
    replacing(settled, BEFORE, **{"delete:s1": {"error": "still in use"}})
    before = settled.things()["s1"]
    assert settled.up().outcome.errors == ("still in use",)
    assert settled.things()["s1"] == before
    settled.faults({"diff:s1": BEFORE})
    assert settled.up().made() == [("create", "s1"), ("delete", "s1")]


@pytest.mark.parametrize("fault", [{"error": "no room"}, {"kill": 1}])
def test_replace_that_deletes_first_and_fails_to_create(settled: Bench, fault: dict[str, Any]) -> None:
    replacing(settled, BEFORE, **{"create:s1": fault})
    assert settled.up().outcome.result is Result.PARTIAL
    assert copies(settled)["s1"]["pendingReplacement"] is True
    assert "id-s1-a" not in settled.objects()
    settled.faults({"diff:s1": BEFORE})
    again = settled.up()
    assert again.made() == [("create", "s1")]
    assert "pendingReplacement" not in copies(settled)["s1"]
    assert settled.checkpoint().pending == ()


def test_what_was_deleted_for_a_replace_is_not_deleted_or_read_again(settled: Bench) -> None:
    replacing(settled, BEFORE, **{"create:s1": {"error": "no room"}})
    settled.up()
    refreshed = settled.run("refresh")
    assert ("read", "s1") not in refreshed.made("read")
    assert copies(settled)["s1"]["pendingReplacement"] is True
    settled.want(s0={}, s2={})
    again = settled.up()
    assert again.ok
    assert (again.made(), again.changes) == ([], {"same": 3})
    assert ("remove-pending-replace", "s1") in again.steps()
    assert sorted(settled.things()) == ["s0", "s2"]


def test_a_retained_one_is_replaced_without_a_delete(settled: Bench) -> None:
    settled.want(s0={}, s1={"retain_on_delete": True}, s2={})
    settled.up()
    replacing(settled, BEFORE)
    assert settled.up().made() == [("create", "s1")]
    assert settled.objects()["id-s1-a"] == "ON"


@pytest.mark.parametrize("fault", [REPLACE, BEFORE])
@pytest.mark.parametrize("operation", ["up", "preview"])
def test_a_protected_one_is_not_replaced(settled: Bench, operation: str, fault: dict[str, Any]) -> None:
    settled.want(s0={}, s1={"protect": True}, s2={})
    assert settled.up().ok
    settled.want(s0={}, s1={"protect": True, "val": "b"}, s2={})
    settled.faults({"diff:s1": fault})
    ran = settled.run(operation)
    assert ran.outcome.result is Result.FAILED
    assert ran.outcome.errors == ("s1 is protected and would be replaced: unprotect it first",)
    assert ran.made() == []


def test_protection_may_be_dropped_and_added_in_the_run_that_replaces(settled: Bench) -> None:
    for protect, val in ((True, "b"), (False, "c")):
        settled.want(s0={}, s1={"val": val, "protect": protect}, s2={})
        settled.faults({"diff:s1": REPLACE})
        assert settled.up().made() == [("create", "s1"), ("delete", "s1")]
        assert settled.things()["s1"].protect is protect


def test_a_renamed_resource_goes_on(settled: Bench) -> None:
    before = settled.things()["s2"]
    settled.want(s0={}, s1={}, n2={"was": "s2"})
    settled.write("cloud.py", (settled.root / "cloud.py").read_text().replace(
        'wanted = {"name": name, ', 'wanted = {"name": name.replace("n", "s"), '))  # fmt: skip
    ran = settled.up()
    assert ran.ok
    assert ran.made() == []
    after = settled.things()
    assert sorted(after) == ["n2", "s0", "s1"]
    assert (after["n2"].id, after["n2"].created) == (before.id, before.created)
    assert settled.up().ok


def test_a_rename_whose_user_is_not_reached_leaves_a_state_that_can_be_read(bench: Bench) -> None:
    bench.want(c={"component": True}, s0={}, s1={"depends_on": ["s0"], "val_from": "s0"})
    assert bench.up().ok
    bench.want(c={"component": True}, n0={"was": "s0"}, s1={"depends_on": ["n0"], "val_from": "n0"})
    bench.faults({"check:s1": {"error": "no"}})
    assert not bench.up(continue_on_error=True).ok
    things = bench.things()
    assert things["s1"].dependencies == (urn("n0"),)
    assert things["s1"].property_dependencies["val"] == [urn("n0")]
    bench.faults()
    assert bench.up().ok


def test_aliases_of_a_component_are_refused(bench: Bench) -> None:
    """Its children would be made anew, and the real ones deleted."""
    bench.want(c={"component": True}, s0={"parent": "c"})
    assert bench.up().ok
    bench.want(d={"component": True, "was": "c"}, s0={"parent": "d"})
    for operation in ("preview", "up"):
        ran = bench.run(operation)
        assert ran.errors == str(OutOfScopeError(OutOfScope.COMPONENT_ALIASES, "sample:group:Group"))
        assert ran.made() == []
    assert "s0" in bench.things()


def test_a_child_of_what_an_alias_found_is_refused(bench: Bench) -> None:
    """The CLI would find `s0-child` for `n0-child`."""
    bench.want(**{"s0": {}, "s0-child": {"parent": "s0"}})
    assert bench.up().ok
    bench.want(**{"n0": {"was": "s0"}, "n0-child": {"parent": "n0"}})
    ran = bench.up()
    assert ran.errors == str(OutOfScopeError(OutOfScope.BELOW_ALIAS, "n0-child", "n0"))
    assert not [call for call in ran.made() if call[0] == "delete"]
    assert "s0-child" in bench.things()


def test_an_alias_of_what_another_resource_has(bench: Bench) -> None:
    bench.want(s0={})
    assert bench.up().ok
    bench.want(a={"was": "s0"}, b={"was": "s0", "depends_on": ["a"]})
    ran = bench.up()
    assert ran.errors == f"the alias '{urn('s0')}' of '{urn('b')}' belongs to another resource too"


def test_two_of_the_same_name(settled: Bench) -> None:
    add(settled, "Thing('s1', {'val': 'a'}, pulumi.ResourceOptions())")
    ran = settled.up()
    assert ran.outcome.result is Result.FAILED
    assert ran.outcome.errors == (f"Duplicate resource URN '{urn('s1')}'; try giving it a unique name",)
    assert ran.made() == []


@pytest.mark.parametrize("operation", ["up", "preview"])
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("pulumi.CustomResource('aws:s3/bucket:Bucket', 'b', {})", "resource type aws:s3/bucket:Bucket"),
        ("pulumi.ComponentResource('far:away:C', 'c', {}, remote=True)", "remote component far:away:C"),
        (
            "Thing('s9', {'val': 'a'}, pulumi.ResourceOptions(import_='id-s9-a'))",
            "import of pulumi-python:dynamic/sample:Thing",
        ),
    ],
)
def test_what_only_the_cli_does_is_refused_by_name(settled: Bench, operation: str, text: str, what: str) -> None:
    add(settled, text)
    ran = settled.run(operation)
    assert ran.outcome.result is Result.FAILED
    assert ran.outcome.errors == (f"{what}: the embedded engine does not do this; install the Pulumi CLI for it",)
    assert sorted(settled.things()) == ["s0", "s1", "s2"]


def test_a_target_leaves_the_others_alone(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={"val": "b"}, s3={})
    ran = settled.up(targets=(urn("s1"), urn("s2")))
    assert ran.made() == [("delete", "s2"), ("update", "s1")]
    assert sorted(settled.things()) == ["s0", "s1"]


def test_additional_secret_outputs_are_secret(bench: Bench) -> None:
    bench.want(s0={"additional_secret_outputs": ["status", "token"], "more": {"other": 1}})
    bench.faults({"create:s0": {"outs": {"token": "hush", "gone": None}}})
    assert bench.up().ok
    outputs = bench.things()["s0"].outputs
    assert outputs["status"] == Secret("ON")
    assert outputs["token"] == Secret("hush")
    assert "hush" not in bench.backend.state_file.read_text()


def test_a_new_config_is_the_providers_update_and_not_counted(settled: Bench) -> None:
    old = provider_entry(settled)
    settled.config("sample:greeting: other\n")
    ran = settled.up()
    assert ran.changes == {"same": 4}
    new = provider_entry(settled)
    assert (new["id"], new["created"]) == (old["id"], old["created"])
    assert new["inputs"] == new["outputs"] == {"sample:greeting": "other"}
    assert new["modified"] > old["modified"]
    assert provider_entry_after(settled) == new


def provider_entry(bench: Bench) -> dict[str, Any]:
    latest = bench.document()["checkpoint"]["latest"]
    found: dict[str, Any] = next(
        item for item in latest["resources"] if item["type"].startswith("pulumi:providers:")
    )
    return found


def provider_entry_after(bench: Bench) -> dict[str, Any]:
    assert bench.up().ok
    return provider_entry(bench)


def test_outputs_of_components_and_exports(settled: Bench) -> None:
    settled.want(c={"component": True}, s0={"parent": "c"}, s1={}, s2={})
    settled.config(f"sample:token:\n  secure: {sealed('hush')}\n")
    ran = settled.up()
    assert ran.ok
    resources = {item.urn.split("::")[-1]: item for item in settled.checkpoint().resources}
    assert resources["c"].outputs == {"size": 1}
    assert resources["sample-dev"].outputs == {"size": 4, "token": Secret("hush")}
    assert "hush" not in json.dumps(ran.events)


def sealed(text: str) -> str:
    from tests.engine.bench import SEALED

    return SEALED.encrypt(text)


def shown(ran: Ran) -> list[tuple[str, str]]:
    return [step for step in ran.steps() if step[1] == "s1"]


def test_what_is_told_of_a_replace(settled: Bench) -> None:
    replacing(settled, REPLACE)
    assert shown(settled.up()) == [("create-replacement", "s1"), ("replace", "s1"), ("delete-replaced", "s1")]
