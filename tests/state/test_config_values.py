from __future__ import annotations

import math
from typing import Any

import pytest
import yaml

from voiceid_optout.state.config_values import as_text, load_yaml


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is: <&>", "as it is: <&>"),
        (None, ""),
        (True, "true"),
        (12345678901234567890, "12345678901234567890"),
        (1.0, "1"),
        (1.5, "1.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (0.00001, "0.00001"),
        (1.5e-9, "1.5e-9"),
        ([], "[]"),
        ({}, "{}"),
        ({"b": [1, 2.5, None, False], "a": "x"}, '{"a":"x","b":[1,2.5,null,false]}'),
        ({1: 12345678901234567890}, '{"1":12345678901234567000}'),
        ({"k": '<a&b>"é\u2028'}, '{"k":"\\u003ca\\u0026b\\u003e\\"é\\u2028"}'),
        ([100.0, 0, -3], "[100,0,-3]"),
    ],
)
def test_texts_are_those_of_the_cli(value: Any, text: str) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("false", False),
        ("12", 12),
        ("-5", -5),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("0", 0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("100.25", 100.25),
        ("-.inf", -math.inf),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ("~", None),
        ("", None),
        ("09", 9.0),
        ("1.2.3", "1.2.3"),
        ("[a, 1]", ["a", 1]),
        ("{a: {b: no}}", {"a": {"b": "no"}}),
    ],
)
def test_scalars_are_read_as_by_the_cli(text: str, value: Any) -> None:
    assert load_yaml(f"key: {text}\n") == {"key": value}


def test_not_a_number() -> None:
    assert math.isnan(load_yaml(".nan"))


def test_merge_keys() -> None:
    assert load_yaml("base: &base {a: 1}\nuse:\n  <<: *base\n  b: 2\n")["use"] == {"a": 1, "b": 2}


@pytest.mark.parametrize("text", ["a: [", "!!python/object/apply:os.getcwd []", "!!int x"])
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises((yaml.YAMLError, ValueError)):
        load_yaml(text)
