from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import resource_pb2 as pb
from pulumi.runtime.proto import source_pb2

from tests.engine.bench import THING, urn
from voiceid_optout.engine.embedded import goal as goals
from voiceid_optout.engine.embedded import wire
from voiceid_optout.engine.embedded.goal import Goal
from voiceid_optout.state.errors import OutOfScopeError
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.values import Secret

ROOT = Path("/srv/ann/project")
STACK = urn("sample-dev", "pulumi:pulumi:Stack")


def request(**fields: Any) -> pb.RegisterResourceRequest:
    return pb.RegisterResourceRequest(**{"type": THING, "name": "s1", "custom": True, "parent": STACK, **fields})


def read(**fields: Any) -> Goal:
    return goals.read(request(**fields), "dev", "sample", ROOT)


def test_the_least_there_is() -> None:
    wanted = read()
    assert wanted.state(wanted.inputs) == ResourceState(urn=urn("s1"), type=THING, custom=True, parent=STACK)
    assert (wanted.aliases, wanted.delete_before_replace) == ((), False)


def test_everything() -> None:
    dependencies = {"val": pb.RegisterResourceRequest.PropertyDependencies(urns=[urn("s0")]), "a": None}
    timeouts = pb.RegisterResourceRequest.CustomTimeouts(create="5m", delete="1h30m")
    wanted = read(
        object=wire.to_struct({"val": Secret("x"), "n": 1}, keep_secrets=True),
        aliasURNs=[urn("old")],
        protect=True,
        retainOnDelete=True,
        deleteBeforeReplace=True,
        deleteBeforeReplaceDefined=True,
        ignoreChanges=["val"],
        replaceOnChanges=["*"],
        additionalSecretOutputs=["status"],
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
    assert "someone" not in repr(read(object=wire.to_struct({"val": "someone"})))


def test_a_child_of_a_component() -> None:
    parent = urn("c0", "sample:group:Group")
    assert read(parent=parent).urn == urn("s1", f"sample:group:Group${THING}")


def test_a_component() -> None:
    wanted = read(type="sample:group:Group", custom=False, name="c0")
    assert (wanted.urn, wanted.custom) == (urn("c0", "sample:group:Group"), False)


@pytest.mark.parametrize(("defined", "value"), [(False, True), (True, False), (False, False)])
def test_delete_before_replace_must_be_said(defined: bool, value: bool) -> None:
    assert read(deleteBeforeReplace=value, deleteBeforeReplaceDefined=defined).delete_before_replace is False


def test_the_program_may_insist_on_creating_first() -> None:
    assert read(deleteBeforeReplace=False, deleteBeforeReplaceDefined=True).create_before_delete
    assert not read(deleteBeforeReplace=True, deleteBeforeReplaceDefined=True).create_before_delete
    assert not read().create_before_delete


def parent_goal() -> Goal:
    return read(protect=True, retainOnDelete=True, deletedWith=urn("s9"))


class TestInheriting:
    def options(self, goal: Goal) -> tuple[bool, bool, str]:
        return goal.protect, goal.retain_on_delete, goal.deleted_with

    def test_what_is_left_unsaid(self) -> None:
        assert self.options(read().inheriting(parent_goal())) == (True, True, urn("s9"))

    def test_what_is_said_stays(self) -> None:
        said = read(protect=False, retainOnDelete=False, deletedWith=urn("s2"))
        assert said.unsaid == frozenset()
        assert said.inheriting(parent_goal()) is said

    def test_one_option_of_three(self) -> None:
        assert self.options(read(protect=False).inheriting(parent_goal())) == (False, True, urn("s9"))

    def test_without_a_parent(self) -> None:
        assert self.options(read().inheriting(None)) == (False, False, "")


@pytest.mark.parametrize(
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
            {"type": "a:b:C", "custom": False, "object": wire.to_struct({"size": 1})},
            "inputs of the component a:b:C",
        ),
        ({"importId": "i"}, "import of pulumi-python:dynamic/sample:Thing"),
        ({"ignoreChanges": ["val", "val.inner"]}, r"the property path val\.inner of"),
        ({"replaceOnChanges": ["list[0]"]}, r"the property path list\[0\] of"),
        ({"replace_with": [urn("s2")]}, "replace_with and replacement_trigger of"),
        ({"transforms": [{"token": "x"}]}, "transforms of"),
        ({"hooks": {"before_create": ["x"]}}, "resource hooks of"),
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
        goals.read(wanted, "dev", "sample", ROOT)


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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
        ("0s", 0),
        ("5", 0),
        ("soon", 0),
        ("xs", 0),
        ("5m later", 0),
        ("-5m", 0),
        ("1.2.3s", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    timeouts = pb.RegisterResourceRequest.CustomTimeouts(update=text)
    assert read(customTimeouts=timeouts).custom_timeouts == {"update": pytest.approx(seconds)}
