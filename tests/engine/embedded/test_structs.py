from __future__ import annotations

import math
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import each_row
from voiceid_optout.engine.embedded.transport import filled, from_program, from_struct
from voiceid_optout.pulumi_parts import provider_pb2
from voiceid_optout.state import OutOfScopeError, values
from voiceid_optout.state.values import Secret

MARKED = {values.SIGNATURE_KEY: values.SECRET_SIGNATURE, "value": "hush"}


def struct(document: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(document, struct_pb2.Struct())


def to_struct(properties: dict[str, Any], *, keep_secrets: bool = False) -> struct_pb2.Struct:
    message = filled(provider_pb2.CreateRequest(), keep_secrets=keep_secrets, properties=properties)
    return message.properties


@each_row(
    ("document", "properties"),
    [
        ({}, {}),
        ({"a": "x", "b": True, "c": 1.5}, {"a": "x", "b": True, "c": 1.5}),
        ({"a": None, "b": {"c": None}, "d": [None]}, {"b": {"c": None}, "d": [None]}),
        ({"a": {"b": {}}, "c": []}, {"a": {"b": {}}, "c": []}),
        ({"a": MARKED}, {"a": Secret("hush")}),
        ({"a": [{"b": MARKED}]}, {"a": [{"b": Secret("hush")}]}),
        ({"a": {values.SIGNATURE_KEY: "other", "value": 1}}, {"a": {values.SIGNATURE_KEY: "other", "value": 1}}),
    ],
)
def test_from_struct(document: dict[str, Any], properties: dict[str, Any]) -> None:
    assert from_struct(struct(document)) == properties


def test_a_value_of_no_kind_counts_as_null() -> None:
    message = struct_pb2.Struct()
    message.fields["a"].SetInParent()
    message.fields["b"].list_value.values.add()
    assert from_struct(message) == {"b": [None]}


def test_whole_numbers_come_as_such() -> None:
    number = from_struct(struct({"a": 3}))["a"]
    assert (number, type(number)) == (3, int)


def test_a_marked_secret_without_a_value() -> None:
    message = struct({"a": {values.SIGNATURE_KEY: values.SECRET_SIGNATURE}})
    assert from_struct(message) == {"a": Secret(None)}


def test_secrets_go_plain_or_marked() -> None:
    properties = {"a": Secret("hush"), "b": [Secret("hush")]}
    assert json_format.MessageToDict(to_struct(properties)) == {"a": "hush", "b": ["hush"]}
    marked = to_struct(properties, keep_secrets=True)
    assert json_format.MessageToDict(marked) == {"a": MARKED, "b": [MARKED]}


def test_each_struct_of_a_message_is_there_even_if_it_is_empty() -> None:
    message = filled(provider_pb2.DiffRequest(urn="u"), olds={}, news={"a": 1})
    assert (message.urn, message.HasField("olds"), message.HasField("old_inputs")) == ("u", True, False)
    assert json_format.MessageToDict(message.news) == {"a": 1}


def test_numbers_json_has_not() -> None:
    sent = from_struct(to_struct({"a": math.inf, "b": -math.inf, "c": math.nan}))
    assert (sent["a"], sent["b"]) == (math.inf, -math.inf)
    assert math.isnan(sent["c"])


SCALARS = (
    st.text() | st.booleans() | st.floats(allow_nan=False).map(values.normal_number) | st.integers(-(2**53), 2**53)
)
TREES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | SCALARS.map(Secret)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), TREES.filter(lambda item: item is not None), max_size=4))
def test_nothing_is_lost_on_the_way(properties: dict[str, Any]) -> None:
    assert from_struct(to_struct(properties, keep_secrets=True)) == properties
    assert from_struct(to_struct(properties)) == values.plain_value(properties)


def test_a_resource_is_no_value() -> None:
    reference = {values.SIGNATURE_KEY: values.RESOURCE_SIGNATURE, "urn": "urn:pulumi:dev::p::a:b:C::one", "id": "i"}
    with pytest.raises(OutOfScopeError, match=r"^the resource one as a value: the embedded engine"):
        from_program(to_struct({"list": [reference]}))
