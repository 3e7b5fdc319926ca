from __future__ import annotations

from typing import Any

import pytest

from voiceid_optout.state.config_text import as_text


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
