from __future__ import annotations

import pytest

from tests.tables import each_row
from voiceid_optout import urn

STACK = "urn:pulumi:dev::conf::pulumi:pulumi:Stack::conf-dev"
COMPONENT = "urn:pulumi:dev::conf::my:mod:Comp::c0"
TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeaker"


@pytest.mark.parametrize("parent", ["", STACK])
def test_the_stack_lends_no_prefix(parent: str) -> None:
    assert urn.make("dev", "conf", parent, TYPE, "s1") == f"urn:pulumi:dev::conf::{TYPE}::s1"


def test_a_component_lends_its_type() -> None:
    assert urn.make("dev", "conf", COMPONENT, TYPE, "c0-child") == (
        f"urn:pulumi:dev::conf::my:mod:Comp${TYPE}::c0-child"
    )


def test_components_within_components() -> None:
    inner = urn.make("dev", "conf", COMPONENT, "my:mod:Inner", "i")
    child = urn.make("dev", "conf", inner, TYPE, "s")
    assert urn.qualified_type(child) == f"my:mod:Comp$my:mod:Inner${TYPE}"
    assert urn.type_of(child) == TYPE


@each_row("name", ["s1", "a::b", "with space", "::", "ü$"])
def test_the_name_is_whatever_follows(name: str) -> None:
    made = urn.make("dev", "conf", "", TYPE, name)
    assert urn.name(made) == name
    assert urn.type_of(made) == urn.qualified_type(made) == TYPE


@pytest.mark.parametrize("text", ["", "x", "urn:pulumi:dev", "urn:pulumi:dev::conf", "::"])
def test_a_text_that_is_no_urn_is_of_no_type(text: str) -> None:
    assert urn.type_of(text) == urn.qualified_type(text) == ""
    assert urn.name(text) == text.rpartition("::")[2]
