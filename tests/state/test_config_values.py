from __future__ import annotations

import math
from typing import Any

import pytest
import yaml

from tests.tables import each_row
from voiceid_optout.state.config_values import RefusedError, as_text, load_yaml


@each_row(
    ("value", "text"),
    [
        ("as it is: <&>", "as it is: <&>"),
        (None, ""),
        (True, "true"),
        (12345678901234567890, "12345678901234567890"),
        (2**64, "18446744073709552000"),
        (-(2**63), "-9223372036854775808"),
        (-(2**63) - 1, "-9223372036854776000"),
        (-0.0, "0"),
        ([-0.0], "[0]"),
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


@each_row(
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
        ('"2026-01-02"', "2026-01-02"),
        ("2026-01", "2026-01"),
        ("2026-01-02x", "2026-01-02x"),
        ("1e3_0", 1e30),
        ("1_000e1_0", 1e13),
        ("0x1_F", 31),
        ("0xFFFFFFFFFFFFFFFF", 2**64 - 1),
        ("0x1FFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF"),
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


@each_row("text", ["a: [", "!!python/object/apply:os.getcwd []", "!!int x"])
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises((yaml.YAMLError, ValueError)):
        load_yaml(text)


@each_row(
    "text",
    [
        "2026-01-02", "2026-1-2", "2026-01-02T03:04:05Z", "2026-01-02t03:04:05.10+02:00", "2026-01-02 03:04:05",
        "[2026-01-02]", "{k: 2026-01-02}", "!!timestamp '2026-01-02'", "{2026-01-02: d}",
    ],
)  # fmt: skip
def test_a_date_without_quotes_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="a date must stand in quotes"):
        load_yaml(f"key: {text}\n")


@each_row("text", ["a: 1\na: 2\n", "a: 1\n'a': 2\n", "b: {c: 1, c: 1}\n"])
def test_a_key_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="stands twice"):
        load_yaml(text)


def test_keys_that_only_look_alike() -> None:
    assert load_yaml("1: a\n'1': b\n") == {1: "a", "1": "b"}


@each_row("text", ["!!binary aGk=", "!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]"])
def test_other_tags_are_refused(text: str) -> None:
    with pytest.raises(RefusedError, match="a value with this tag cannot be read"):
        load_yaml(f"key: {text}\n")


def test_who_changes_a_document_changes_it_for_nobody_else() -> None:
    text = "config: {a: [1]}"
    load_yaml(text)["config"]["a"].append(2)
    assert load_yaml(text) == {"config": {"a": [1]}}
