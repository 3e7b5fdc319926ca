from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import resource_pb2 as pb
from pulumi.runtime.proto import source_pb2

from tests.engine.bench import THING, urn
from tests.engine.embedded.test_structs import to_struct
from tests.tables import each_row
from voiceid_optout.engine.embedded import goal as goals
from voiceid_optout.engine.embedded.goal import Goal, ResourceOp
from voiceid_optout.engine.embedded.plugin import Diff
from voiceid_optout.state import OutOfScopeError, ProgramError, values
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.values import Secret

ROOT = Path("/srv/ann/project")
STACK = urn("sample-dev", "pulumi:pulumi:Stack")


def request(**fields: Any) -> pb.RegisterResourceRequest:
    return pb.RegisterResourceRequest(**{"type": THING, "name": "s1", "custom": True, "parent": STACK, **fields})


def read(**fields: Any) -> Goal:
    return goals.read_goal(request(**fields), "dev", "sample", ROOT)


def test_the_least_there_is() -> None:
    wanted = read()
    assert wanted.state(wanted.inputs) == ResourceState(urn=urn("s1"), type=THING, custom=True, parent=STACK)
    assert (wanted.aliases, wanted.delete_before_replace) == ((), False)


def test_everything() -> None:
    dependencies = {"val": pb.RegisterResourceRequest.PropertyDependencies(urns=[urn("s0")]), "a": None}
    timeouts = pb.RegisterResourceRequest.CustomTimeouts(create="5m", delete="1h30m")
    wanted = read(
        object=to_struct({"val": Secret("x"), "n": 1}, keep_secrets=True),
        aliasURNs=[urn("old")],
        protect=True,
        retainOnDelete=True,
        deleteBeforeReplace=True,
        deleteBeforeReplaceDefined=True,
        ignoreChanges=["val"],
        replaceOnChanges=["*"],
        additionalSecretOutputs=["status"],
        hideDiffs=["val"],
        dependencies=[urn("s0")],
        propertyDependencies={
            key: value or pb.RegisterResourceRequest.PropertyDependencies() for key, value in dependencies.items()
        },
        customTimeouts=timeouts,
        deletedWith=urn("s2"),
        sourcePosition=source_pb2.SourcePosition(uri=f"file://{ROOT}/__main__.py", line=20),
    )
    options: dict[str, Any] = {
        "protect": True,
        "retain_on_delete": True,
        "ignore_changes": ("val",),
        "replace_on_changes": ("*",),
        "additional_secret_outputs": ("status",),
        "hide_diff": ("val",),
        "dependencies": (urn("s0"),),
        "property_dependencies": {"a": [], "val": [urn("s0")]},
        "custom_timeouts": {"create": 300.0, "delete": 5400.0},
        "deleted_with": urn("s2"),
        "source_position": "project:///__main__.py#20",
    }
    own: dict[str, Any] = {"urn": urn("s1"), "type": THING, "custom": True, "parent": STACK}
    inputs = {"val": Secret("x"), "n": 1}
    more: dict[str, Any] = {"aliases": (urn("old"),), "delete_before_replace": True}
    assert wanted == Goal(**own, inputs=inputs, **options, **more)
    assert list(wanted.property_dependencies) == ["a", "val"]
    state = wanted.state({"val": "checked"}, id="i", outputs={"status": "ON"})
    assert state == ResourceState(**own, inputs={"val": "checked"}, id="i", outputs={"status": "ON"}, **options)


def test_inputs_are_not_shown() -> None:
    assert "someone" not in repr(read(object=to_struct({"val": "someone"})))


def test_a_child_of_a_component() -> None:
    parent = urn("c0", "sample:group:Group")
    assert read(parent=parent).urn == urn("s1", f"sample:group:Group${THING}")


def test_a_component() -> None:
    wanted = read(type="sample:group:Group", custom=False, name="c0")
    assert (wanted.urn, wanted.custom) == (urn("c0", "sample:group:Group"), False)


@each_row(("defined", "value"), [(False, True), (True, False), (False, False)])
def test_delete_before_replace_must_be_said(defined: bool, value: bool) -> None:
    assert read(deleteBeforeReplace=value, deleteBeforeReplaceDefined=defined).delete_before_replace is False


def test_the_program_may_insist_on_creating_first() -> None:
    assert read(deleteBeforeReplace=False, deleteBeforeReplaceDefined=True).create_before_delete
    assert not read(deleteBeforeReplace=True, deleteBeforeReplaceDefined=True).create_before_delete
    assert not read().create_before_delete


def marked(signature: str) -> Any:
    """Return a property map with a value that the SDK has marked, inside a secret."""
    return to_struct({"list": [Secret({values.SIGNATURE_KEY: signature, "text": "x"})]}, keep_secrets=True)


def parent_goal() -> Goal:
    return read(protect=True, retainOnDelete=True, deletedWith=urn("s9"))


class TestInheriting:
    def options(self, goal: Goal) -> tuple[bool, bool, str]:
        return goal.protect, goal.retain_on_delete, goal.deleted_with

    def test_what_is_left_unsaid(self) -> None:
        assert self.options(read().inheriting(parent_goal())) == (True, True, urn("s9"))

    def test_what_is_said_stays(self) -> None:
        said = read(protect=False, retainOnDelete=False, deletedWith=urn("s2"))
        assert said.unset == frozenset()
        assert said.inheriting(parent_goal()) is said

    def test_one_option_of_three(self) -> None:
        assert self.options(read(protect=False).inheriting(parent_goal())) == (False, True, urn("s9"))

    def test_without_a_parent(self) -> None:
        assert self.options(read().inheriting(None)) == (False, False, "")


@each_row(
    ("fields", "what"),
    [
        ({"type": "aws:s3/bucket:Bucket"}, "resource type aws:s3/bucket:Bucket"),
        ({"type": "pulumi:providers:pulumi-python"}, "resource type pulumi:providers:pulumi-python"),
        ({"type": "pkg:m:C", "custom": False, "remote": True}, "remote component pkg:m:C"),
        (
            {"type": "a:b:C", "custom": False, "aliasURNs": [urn("old", "a:b:C")]},
            "aliases of the component a:b:C",
        ),
        (
            {"type": "a:b:C", "custom": False, "object": to_struct({"size": 1})},
            "inputs of the component a:b:C",
        ),
        ({"importId": "i"}, "import of pulumi-python:dynamic/sample:Thing"),
        ({"ignoreChanges": ["val", "val.inner"]}, r"the property path val\.inner of"),
        ({"replaceOnChanges": ["list[0]"]}, r"the property path list\[0\] of"),
        ({"replace_with": [urn("s2")]}, "replace_with and replacement_trigger of"),
        ({"transforms": [{"token": "x"}]}, "transforms of"),
        ({"hooks": {"before_create": ["x"]}}, "resource hooks of"),
        ({"hideDiffs": ["m.a"]}, r"the property path m\.a of"),
        ({"provider": "urn::id"}, "the provider of"),
        ({"providers": {"aws": "urn::id"}}, "the provider of"),
        ({"version": "1.2.3"}, r"the provider version 1\.2\.3 of"),
        ({"pluginDownloadURL": "https://example.com"}, "the plugin's source for"),
        ({"pluginChecksums": {"linux": b"x"}}, "the plugin's source for"),
        ({"packageRef": "x"}, "the package"),
        ({"envVarMappings": {"A": "B"}}, "`envVarMappings` of"),
        ({"state_migrations": [{"token": "x"}]}, "state migrations of"),
        ({"aliases": [{"urn": "x"}]}, "`aliases` of"),
        ({"customTimeouts": {"read": "5m"}}, "the timeout for reads of"),
        ({"object": marked(values.ASSET_SIGNATURE)}, "an asset or archive as a value"),
        (
            {"object": marked("d0e6a833031e9bbcd3f4e8bde6ca49a4")},
            "a value of the kind d0e6a833031e9bbcd3f4e8bde6ca49a4",
        ),
    ],
)
def test_out_of_scope(fields: dict[str, Any], what: str) -> None:
    with pytest.raises(
        OutOfScopeError, match=f"^{what}.*: the embedded engine does not do this; install the Pulumi"
    ):
        read(**fields)


def test_a_replacement_trigger() -> None:
    wanted = request()
    wanted.replacement_trigger.string_value = "x"
    with pytest.raises(OutOfScopeError, match="replacement_trigger"):
        goals.read_goal(wanted, "dev", "sample", ROOT)


@each_row(
    ("uri", "position"),
    [
        (f"file://{ROOT}/a/b.py", "project:///a/b.py#7"),
        (f"{ROOT}/a.py", "project:///a.py#7"),
        ("file:///srv/ann/project-2/a.py", ""),
        ("file:///usr/lib/python3/x.py", ""),
        ("", ""),
    ],
)
def test_positions_outside_the_project_stay_out(uri: str, position: str) -> None:
    assert read(sourcePosition=source_pb2.SourcePosition(uri=uri, line=7)).source_position == position


@each_row(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("1h30m", 5400),
        ("1h0m0.5s", 3600.5),
        ("90s", 90),
        ("1.5h", 5400),
        (".5m", 30),
        ("250ms", 0.25),
        ("1s500ms", 1.5),
        ("5us", 5e-6),
        ("5µs", 5e-6),
        ("5ns", 5e-9),
        ("5μs", 5e-6),
        ("-5m", -300),
        ("+3ns", 3e-9),
        ("1.s", 1),
        (f"0.{'5' * 1000}s", 0.555555555),
        ("0.0000000005h", 1.8e-6),
        ("2562047h47m16.854775807s", 9223372036.854775807),
        ("-2562047h47m16.854775808s", -9223372036.854775808),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    timeouts = pb.RegisterResourceRequest.CustomTimeouts(update=text)
    assert read(customTimeouts=timeouts).custom_timeouts == {"update": pytest.approx(seconds)}


@each_row("text", ["0", "0s", "-0", "+0h0m", "0.4ns"])
def test_no_time_is_no_limit(text: str) -> None:
    assert read(customTimeouts=pb.RegisterResourceRequest.CustomTimeouts(create=text)).custom_timeouts == {}


@each_row(
    "text",
    [
        "5 minutes", "5", "soon", "xs", "5m later", "1.2.3s", ".s", "-", "s", " 5m", "5M", "--5m", "\u0665m",
        "2562048h", "-2562047h47m16.854775809s",
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(
        ProgramError, match=r"unable to parse the custom timeout `delete` of s1: .*; write it as in"
    ):
        read(customTimeouts=pb.RegisterResourceRequest.CustomTimeouts(delete=text))


def goal(inputs: dict[str, Any] | None = None, **options: Any) -> Goal:
    return Goal(urn=urn("s1"), type=THING, custom=True, parent="", inputs=inputs or {}, **options)


def state(inputs: dict[str, Any] | None = None) -> ResourceState:
    return ResourceState(urn=urn("s1"), custom=True, type=THING, id="i", inputs=inputs or {})


OLD, SAME, OTHER = {"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 1, "b": 3}


def diff(changes: bool | None = None, *replaces: str, before: bool = False) -> Diff:
    return Diff(changes, replaces, before)


@each_row(
    ("said", "inputs", "step"),
    [
        (diff(False), SAME, ResourceOp.SAME),
        (diff(False), OTHER, ResourceOp.SAME),
        (diff(False, "b"), OTHER, ResourceOp.SAME),
        (diff(True), SAME, ResourceOp.UPDATE),
        (diff(True), OTHER, ResourceOp.UPDATE),
        (diff(True, "b"), OTHER, ResourceOp.REPLACE),
        (diff(True, "no-property"), SAME, ResourceOp.REPLACE),
        (diff(True, "b", before=True), OTHER, ResourceOp.DELETE_THEN_CREATE),
        (diff(True, before=True), OTHER, ResourceOp.UPDATE),
        (diff(None), SAME, ResourceOp.SAME),
        (diff(None), OTHER, ResourceOp.UPDATE),
        (diff(None, "b"), SAME, ResourceOp.REPLACE),
        (diff(None, "b"), OTHER, ResourceOp.REPLACE),
    ],
)
def test_choose(said: Diff, inputs: dict[str, Any], step: ResourceOp) -> None:
    assert goals.choose_op(goal(), state(OLD), inputs, said) is step


@each_row(
    ("said", "inputs", "paths", "step"),
    [
        (diff(None), OTHER, ("b",), ResourceOp.REPLACE),
        (diff(None), OTHER, ("*",), ResourceOp.REPLACE),
        (diff(None), OTHER, ("a",), ResourceOp.UPDATE),
        (diff(None), SAME, ("*",), ResourceOp.SAME),
        (diff(True), OTHER, ("*",), ResourceOp.UPDATE),
        (diff(False), OTHER, ("*",), ResourceOp.SAME),
    ],
)
def test_replace_on_changes_counts_where_the_engine_compares(
    said: Diff, inputs: dict[str, Any], paths: tuple[str, ...], step: ResourceOp
) -> None:
    assert goals.choose_op(goal(replace_on_changes=paths), state(OLD), inputs, said) is step


@pytest.mark.parametrize(("replaces", "step"), [(("a",), ResourceOp.DELETE_THEN_CREATE), ((), ResourceOp.UPDATE)])
def test_the_option_deletes_first(replaces: tuple[str, ...], step: ResourceOp) -> None:
    wanted = goal(delete_before_replace=True)
    assert goals.choose_op(wanted, state(OLD), OTHER, diff(True, *replaces)) is step


def test_creating_first_on_which_the_program_insists() -> None:
    wanted = goal(create_before_delete=True)
    assert goals.choose_op(wanted, state(OLD), OTHER, diff(True, "b", before=True)) is ResourceOp.REPLACE


@each_row("said", [diff(False), diff(True), diff(None)])
def test_a_replace_half_done_is_finished(said: Diff) -> None:
    old = replace(state(OLD), pending_replacement=True)
    assert goals.choose_op(goal(), old, SAME, said) is ResourceOp.REPLACE


@each_row(
    ("old", "new", "keys"),
    [
        ({}, {}, ()),
        ({"a": 1}, {"a": 1.0}, ()),
        ({"a": Secret("x")}, {"a": "x"}, ()),
        ({"a": [{"b": Secret(1)}]}, {"a": [{"b": 1}]}, ()),
        ({"a": Secret("x")}, {"a": Secret("y")}, ("a",)),
        ({"c": 1, "b": 1}, {"b": 2, "a": 1}, ("a", "b", "c")),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, ("a",)),
    ],
)
def test_changed_keys(old: dict[str, Any], new: dict[str, Any], keys: tuple[str, ...]) -> None:
    assert goals.changed_keys(old, new) == keys


@each_row(
    ("paths", "inputs"),
    [
        ((), {"a": 10, "c": 30}),
        (("a",), {"a": 1, "c": 30}),
        (("b",), {"a": 10, "b": 2, "c": 30}),
        (("c",), {"a": 10}),
        (("*",), {"a": 1, "b": 2}),
        (("zzz",), {"a": 10, "c": 30}),
    ],
)
def test_keep_ignored(paths: tuple[str, ...], inputs: dict[str, Any]) -> None:
    wanted = goal({"a": 10, "c": 30}, ignore_changes=paths)
    assert goals.keep_ignored(wanted, state({"a": 1, "b": 2})) == inputs
    assert wanted.inputs == {"a": 10, "c": 30}


@each_row(
    ("targets", "matched"),
    [
        ((), True),
        ((urn("s1"),), True),
        ((urn("s2"),), False),
        ((urn("s2"), urn("s1")), True),
        (("**",), True),
        (("**s1",), True),
        (("**::s1",), True),
        (("**1*",), True),
        (("**s",), False),
        (("*",), False),
        (("*s1",), False),
        ((urn("*"),), True),
        ((urn("s?"),), False),
        ((urn("s[0-9]"),), False),
        (("urn:pulumi:*::*::**::s1",), True),
        (("urn:pulumi:*::s1",), False),
    ],
)
def test_targets(targets: tuple[str, ...], matched: bool) -> None:
    assert goals.is_targeted(urn("s1"), targets) is matched


@each_row(
    ("targets", "missing"),
    [
        ((), []),
        ((urn("s1"), urn("s2")), []),
        ((urn("s3"), urn("s1"), urn("s4")), [urn("s3"), urn("s4")]),
        (("**s3", urn("*")), []),
    ],
)
def test_missing_targets(targets: tuple[str, ...], missing: list[str]) -> None:
    assert goals.missing_targets(targets, iter([urn("s1"), urn("s2")])) == missing


def test_missing_words() -> None:
    assert goals.missing_target(urn("s3")).startswith(f"the target {urn('s3')} is neither in the state nor in")
