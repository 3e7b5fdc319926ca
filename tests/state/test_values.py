from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import each_row
from voiceid_optout.state import StateError, values
from voiceid_optout.state.values import Secret


def seal(text: str) -> str:
    return f"sealed {text}"


def unseal(text: str) -> str:
    return text.removeprefix("sealed ")


def sealed(text: str) -> dict[str, str]:
    return {values.SIGNATURE_KEY: values.SECRET_SIGNATURE, "ciphertext": seal(text)}


def special(bits: Any) -> dict[str, Any]:
    return {values.SIGNATURE_KEY: values.NUMBER_SIGNATURE, "value": bits}


@each_row(
    ("number", "text"),
    [
        (1.0, "1"),
        (-3.0, "-3"),
        (0.0, "0"),
        (1.5, "1.5"),
        (12345678901234567890.0, "12345678901234567000"),
        (999999999999999900000.0, "999999999999999900000"),
        (1e21, "1e+21"),
        (-0.0, "-0"),
        (2.0**70, "1.1805916207174113e+21"),
        (-(2.0**70), "-1.1805916207174113e+21"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.00001, "0.00001"),
        (-1.25e-5, "-0.0000125"),
        (0.000001, "0.000001"),
        (9.5e-7, "9.5e-7"),
        (1e-9, "1e-9"),
        (1e-10, "1e-10"),
        (5e-324, "5e-324"),
    ],
)
def test_numbers_as_go_prints_them(number: float, text: str) -> None:
    assert values.to_text(values.normal_number(number)) == text
    assert values.to_text({"a": [values.normal_number(number)]}) == f'{{"a":[{text}]}}'


@pytest.mark.parametrize("number", [math.inf, -math.inf])
def test_a_number_without_end_is_left(number: float) -> None:
    assert values.normal_number(number) == number


@each_row(
    ("value", "text"),
    [
        ("<a>&é", '"<a>&é"'),
        ("\u2028\u2029", r'"\u2028\u2029"'),
        ("\x01", r'"\u0001"'),
        ('"\\', r'"\"\\"'),
        (["1e-07", 1e-7, 'say "1e-05"', 1e-5], r'["1e-07",1e-7,"say \"1e-05\"",0.00001]'),
        ({"x\\": 1e-7}, r'{"x\\":1e-7}'),
        ([-0.0, 0.0, -0.05, -0.01, "-0.0", '"-0.0'], r'[-0,0.0,-0.05,-0.01,"-0.0","\"-0.0"]'),
    ],
)
def test_texts_as_go_prints_them(value: Any, text: str) -> None:
    assert values.to_text(value) == text
    assert json.loads(text) == value


@given(st.floats(allow_nan=False, allow_infinity=False), st.text())
def test_what_is_printed_reads_back(number: float, text: str) -> None:
    document = {text: [values.normal_number(number), text]}
    assert json.loads(values.to_text(document)) == document


class TestEncode:
    @each_row("value", ["x", True, None, 1, 1.5, [], {}, ["a", {"b": None}]])
    def test_plain_values_stay(self, value: Any) -> None:
        assert values.encode(value, seal) == value
        assert values.decode(value, unseal) == value

    def test_keys_are_sorted(self) -> None:
        made = values.encode({"b": 1, "__provider": 2, "a": {"d": [{"z": 1, "y": 2}], "c": 4}}, seal)
        assert json.dumps(made) == '{"__provider": 2, "a": {"c": 4, "d": [{"y": 2, "z": 1}]}, "b": 1}'

    @each_row(
        ("value", "text"),
        [
            ("hush", '"hush"'),
            (7, "7"),
            (None, "null"),
            ({"b": 1, "a": "é"}, '{"a":"é","b":1}'),
            ([Secret("in"), "out"], '["in","out"]'),
            (1e-7, "1e-7"),
        ],
    )
    def test_secrets_are_sealed_as_json(self, value: Any, text: str) -> None:
        assert values.encode(Secret(value), seal) == sealed(text)
        assert values.decode(sealed(text), unseal) == Secret(values.plain_value(value))

    @each_row(
        ("number", "bits"),
        [(math.nan, "7ff8000000000000"), (math.inf, "7ff0000000000000"), (-math.inf, "fff0000000000000")],
    )
    def test_numbers_json_has_not(self, number: float, bits: str) -> None:
        assert values.encode({"a": [number]}, seal) == {"a": [special(bits)]}
        assert repr(values.decode([special(bits)], unseal)) == repr([number])

    def test_such_a_number_in_a_secret(self) -> None:
        made = values.encode(Secret([math.inf]), seal)
        assert json.loads(unseal(made["ciphertext"])) == [special("7ff0000000000000")]
        assert values.decode(made, unseal) == Secret([math.inf])


class TestDecode:
    def test_the_nan_of_go(self) -> None:
        assert math.isnan(values.decode(special("7ff8000000000001"), unseal))

    def test_a_secret_in_clear(self) -> None:
        shown = {values.SIGNATURE_KEY: values.SECRET_SIGNATURE, "plaintext": '"hush"'}
        assert values.decode({"a": [shown]}, unseal) == {"a": [Secret("hush")]}

    def test_other_signatures_are_values(self) -> None:
        asset = {values.SIGNATURE_KEY: "c44067f5952c0a294b673a41bacd8c17", "text": "x"}
        assert values.decode(asset, unseal) == asset

    @each_row(
        "value",
        [
            {values.SIGNATURE_KEY: values.SECRET_SIGNATURE},
            {values.SIGNATURE_KEY: values.SECRET_SIGNATURE, "plaintext": "no JSON"},
            {values.SIGNATURE_KEY: values.SECRET_SIGNATURE, "plaintext": 3},
            sealed("{"),
        ],
    )
    def test_a_damaged_secret(self, value: Any) -> None:
        with pytest.raises(StateError, match="a secret of the state is damaged: restore"):
            values.decode({"a": value}, unseal)

    @each_row("bits", [None, "", "7ff8", "no digits", 5])
    def test_a_damaged_number(self, bits: Any) -> None:
        with pytest.raises(StateError, match="a number of the state is damaged: restore"):
            values.decode(special(bits), unseal)


TREE = {"a": Secret({"b": Secret(1)}), "c": [Secret("x"), {"d": Secret(None)}], "e": "plain"}


def test_plain_value() -> None:
    assert values.plain_value(TREE) == {"a": {"b": 1}, "c": ["x", {"d": None}], "e": "plain"}


def test_masked() -> None:
    assert values.masked(TREE) == {"a": "[secret]", "c": ["[secret]", {"d": "[secret]"}], "e": "plain"}


def test_a_secret_is_not_shown() -> None:
    assert "hush" not in repr(TREE | {"f": Secret("hush")})


@each_row(
    ("value", "found"),
    [(TREE, True), ([[Secret(1)]], True), ({"a": {"b": [1]}}, False), ("x", False), (None, False), ([], False)],
)
def test_contains_secret(value: Any, found: bool) -> None:
    assert values.contains_secret(value) is found


@each_row(
    ("value", "like", "marked"),
    [
        ("x", Secret("y"), Secret("x")),
        ("x", "y", "x"),
        ({"b": 1, "c": 2}, {"b": Secret(0)}, {"b": Secret(1), "c": 2}),
        ({"b": {"c": 1}}, {"b": {"c": Secret(0), "d": 1}}, {"b": {"c": Secret(1)}}),
        (["x", "y"], ["x", Secret("y")], Secret(["x", "y"])),
        (["x"], [{"a": [Secret("y")]}], Secret(["x"])),
        (["x"], ["x"], ["x"]),
        ("x", ["x", Secret("y")], "x"),
        (["x"], {"a": Secret("y")}, ["x"]),
        (Secret("x"), Secret("y"), Secret("x")),
        (Secret("x"), "y", Secret("x")),
    ],
)
def test_secrets_are_found_again_by_their_key(value: Any, like: Any, marked: Any) -> None:
    assert values.mark_secrets({"a": value, "status": "ON"}, {"a": like}) == {"a": marked, "status": "ON"}


def test_a_key_of_another_name_is_no_secret() -> None:
    assert values.mark_secrets({"derived": "x"}, {"a": Secret("x")}) == {"derived": "x"}


SCALARS = st.text() | st.booleans() | st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)
PLAIN: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    PLAIN | PLAIN.map(Secret),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_what_is_written_reads_back(value: Any) -> None:
    text = values.to_text(values.encode(value, seal))
    assert values.decode(json.loads(text), unseal) == value


@each_row(
    ("value", "unknown"),
    [
        (values.UNKNOWN, True),
        (values.Secret(values.UNKNOWN), True),
        ({"a": ["b", {"c": values.UNKNOWN}]}, True),
        ({"a": ["b", {"c": f"{values.UNKNOWN}!"}]}, False),
        (None, False),
    ],
)
def test_what_is_unknown(value: Any, unknown: bool) -> None:
    assert values.contains_unknown(value) is unknown


def test_what_is_not_known_is_left_out() -> None:
    unknown = values.UNKNOWN
    value = {
        "a": unknown,
        "b": [1, unknown, None],
        "c": {"d": Secret(unknown), "e": Secret({"f": unknown})},
        "g": None,
    }
    assert values.known(value) == {"b": [1, None], "c": {"e": Secret({})}, "g": None}


def test_what_is_known_of_a_deep_value_is_looked_for_once_a_level() -> None:
    value: Any = [values.UNKNOWN, 1]
    for _ in range(100):  # twice a level would never end
        value = {"in": [value]}
    found = values.known(value)
    for _ in range(100):
        found = found["in"][0]
    assert found == [1]


def test_equal_texts_are_there_once() -> None:
    like = {"plain": "a text", "secret": Secret("ids"), "list": [Secret("x")], "other": "x"}
    given = {"plain": b"a text".decode(), "secret": b"ids".decode(), "list": ["x"], "other": 1}
    marked = values.mark_secrets(given, like)
    assert marked == {**like, "list": Secret(["x"]), "other": 1}
    assert marked["plain"] is like["plain"]
    assert marked["secret"] is like["secret"]
