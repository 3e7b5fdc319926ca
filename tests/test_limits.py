from __future__ import annotations

import math
from typing import Any

import pytest
import yaml

from voiceid_optout.limits import (
    MAX_CONFIG_VALUES,
    MAX_DEPTH,
    MAX_JSON_DEPTH,
    TooMuchError,
    check_yaml,
    read_json,
)

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


@pytest.mark.parametrize(
    "text", ["", "a: 1", f"{'[' * MAX_DEPTH}{']' * MAX_DEPTH}", "base: &b {a: 1}\nuse: {<<: *b}\n"]
)
def test_yaml_within_bounds(text: str) -> None:
    check_yaml(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 20_000, f"nested more than {MAX_DEPTH} levels deep"),
        ("a:\n" + "".join(f"{' ' * n}b:\n" for n in range(1, 30)), "levels deep"),
        (f"[{'x,' * (MAX_CONFIG_VALUES + 1)}]", f"more than {MAX_CONFIG_VALUES:,} values"),
        ("a: *nowhere", "has an alias of what is not there"),
        ("a: &a [*a]", "has an alias of what is not there, or not yet complete"),
        (BOMB, "values, counting what aliases stand for"),
        (
            "".join(f"a{n}: &a{n} [*a{n - 1}]\n" if n else "a0: &a0 []\n" for n in range(20)),
            "levels deep, counting",
        ),
    ],
)
def test_yaml_beyond_a_bound(text: str, words: str) -> None:
    with pytest.raises(TooMuchError) as error:
        check_yaml(text)
    assert words in (error.value.problem or "")
    assert error.value.problem_mark is not None


def test_what_is_no_yaml_is_the_parsers_to_say() -> None:
    with pytest.raises(yaml.YAMLError):
        check_yaml("a: [")


@pytest.mark.parametrize(
    ("text", "document"),
    [
        (b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
        ("1", 1),
        ('"x"', "x"),
        ("[]", []),
        (f"{'[' * MAX_JSON_DEPTH}{']' * MAX_JSON_DEPTH}", ...),
    ],
)
def test_json(text: str | bytes, document: Any) -> None:
    assert document in (..., read_json(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff",
        "[" * 100_000,
        f"{'[' * 100_000}{']' * 100_000}",
        f"{'[' * (MAX_JSON_DEPTH + 1)}{']' * (MAX_JSON_DEPTH + 1)}",
        "1" * 5_000,
        "1e999",
        "NaN",
        "-Infinity",
    ],
)
def test_json_that_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)


def test_a_negative_zero_stays_one() -> None:
    negative, zero, *_ = read_json("[-0, 0, -10]")
    assert (math.copysign(1, negative), type(zero)) == (-1, int)
