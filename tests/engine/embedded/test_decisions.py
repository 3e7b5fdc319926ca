from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.engine.bench import THING, urn
from voiceid_optout.engine.embedded import decisions
from voiceid_optout.engine.embedded.decisions import Step
from voiceid_optout.engine.embedded.goal import Goal
from voiceid_optout.engine.embedded.plugin import Diff
from voiceid_optout.state.resource import ResourceState
from voiceid_optout.state.values import Secret


def goal(inputs: dict[str, Any] | None = None, **options: Any) -> Goal:
    return Goal(urn=urn("s1"), type=THING, custom=True, parent="", inputs=inputs or {}, **options)


def state(inputs: dict[str, Any] | None = None) -> ResourceState:
    return ResourceState(urn=urn("s1"), custom=True, type=THING, id="i", inputs=inputs or {})


OLD, SAME, OTHER = {"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": 1, "b": 3}


def diff(changes: bool | None = None, *replaces: str, before: bool = False) -> Diff:
    return Diff(changes, replaces, before)


@pytest.mark.parametrize(
    ("said", "inputs", "step"),
    [
        (diff(False), SAME, Step.SAME),
        (diff(False), OTHER, Step.SAME),
        (diff(False, "b"), OTHER, Step.SAME),
        (diff(True), SAME, Step.UPDATE),
        (diff(True), OTHER, Step.UPDATE),
        (diff(True, "b"), OTHER, Step.REPLACE),
        (diff(True, "no-property"), SAME, Step.REPLACE),
        (diff(True, "b", before=True), OTHER, Step.DELETE_THEN_CREATE),
        (diff(True, before=True), OTHER, Step.UPDATE),
        (diff(None), SAME, Step.SAME),
        (diff(None), OTHER, Step.UPDATE),
        (diff(None, "b"), SAME, Step.REPLACE),
        (diff(None, "b"), OTHER, Step.REPLACE),
    ],
)
def test_choose(said: Diff, inputs: dict[str, Any], step: Step) -> None:
    assert decisions.choose(goal(), state(OLD), inputs, said) is step


@pytest.mark.parametrize(
    ("said", "inputs", "paths", "step"),
    [
        (diff(None), OTHER, ("b",), Step.REPLACE),
        (diff(None), OTHER, ("*",), Step.REPLACE),
        (diff(None), OTHER, ("a",), Step.UPDATE),
        (diff(None), SAME, ("*",), Step.SAME),
        (diff(True), OTHER, ("*",), Step.UPDATE),
        (diff(False), OTHER, ("*",), Step.SAME),
    ],
)
def test_replace_on_changes_counts_where_the_engine_compares(
    said: Diff, inputs: dict[str, Any], paths: tuple[str, ...], step: Step
) -> None:
    assert decisions.choose(goal(replace_on_changes=paths), state(OLD), inputs, said) is step


@pytest.mark.parametrize(("replaces", "step"), [(("a",), Step.DELETE_THEN_CREATE), ((), Step.UPDATE)])
def test_the_option_deletes_first(replaces: tuple[str, ...], step: Step) -> None:
    wanted = goal(delete_before_replace=True)
    assert decisions.choose(wanted, state(OLD), OTHER, diff(True, *replaces)) is step


def test_the_program_may_insist_on_creating_first() -> None:
    wanted = goal(create_before_delete=True)
    assert decisions.choose(wanted, state(OLD), OTHER, diff(True, "b", before=True)) is Step.REPLACE


@pytest.mark.parametrize("said", [diff(False), diff(True), diff(None)])
def test_a_replace_half_done_is_finished(said: Diff) -> None:
    old = replace(state(OLD), pending_replacement=True)
    assert decisions.choose(goal(), old, SAME, said) is Step.REPLACE


@pytest.mark.parametrize(
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
    assert decisions.changed_keys(old, new) == keys


@pytest.mark.parametrize(
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
    assert decisions.keep_ignored(wanted, state({"a": 1, "b": 2})) == inputs
    assert wanted.inputs == {"a": 10, "c": 30}


@pytest.mark.parametrize(
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
    assert decisions.is_targeted(urn("s1"), targets) is matched


@pytest.mark.parametrize(
    ("targets", "missing"),
    [
        ((), []),
        ((urn("s1"), urn("s2")), []),
        ((urn("s3"), urn("s1"), urn("s4")), [urn("s3"), urn("s4")]),
        (("**s3", urn("*")), []),
    ],
)
def test_missing_targets(targets: tuple[str, ...], missing: list[str]) -> None:
    assert decisions.missing_targets(targets, iter([urn("s1"), urn("s2")])) == missing


def test_missing_words() -> None:
    assert decisions.missing_words(urn("s3")).startswith(f"the target {urn('s3')} is neither in the state nor in")
