"""The evaluator itself: it must say no where IAM would."""

from typing import Any

import pytest

from tests.providers.eventbridge import matches
from tests.providers.iam import Request, allows, wide_open


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in statements]}


def test_wildcards_of_actions_and_resources() -> None:
    made = document({"Action": ["a:Get*", "b:?"], "Resource": "arn:x/*"})
    assert allows(made, Request("A:getThing", "arn:x/y"))
    assert allows(made, Request("b:c", "arn:x/"))
    assert not allows(made, Request("b:cc", "arn:x/"))
    assert not allows(made, Request("a:Put", "arn:x/y"))
    assert not allows(made, Request("a:Get", "arn:z"))


def test_a_denial_wins() -> None:
    made = document({"Action": "a:*", "Resource": "*"}, {"Effect": "Deny", "Action": "a:b", "Resource": "*"})
    assert allows(made, Request("a:c", "x"))
    assert not allows(made, Request("a:b", "x"))


def test_every_condition_must_hold_and_one_value_of_each() -> None:
    made = document(
        {
            "Action": "a:b",
            "Resource": "*",
            "Condition": {"StringEquals": {"k": ["1", "2"], "l": "3"}, "StringLike": {"m": "x*"}},
        }
    )
    good = {"K": "2", "l": "3", "m": "xyz"}
    assert allows(made, Request("a:b", "r", good))
    for name, value in (("K", "3"), ("l", "33"), ("m", "yx")):
        assert not allows(made, Request("a:b", "r", {**good, name: value}))
        assert not allows(made, Request("a:b", "r", {key: text for key, text in good.items() if key != name}))


def test_a_wildcard_of_an_arn_keeps_to_its_part() -> None:
    made = document(
        {"Action": "a:b", "Resource": "*", "Condition": {"ArnLike": {"k": "arn:aws:events:*:111122223333:rule/*"}}}
    )
    assert allows(made, Request("a:b", "r", {"k": "arn:aws:events:eu-west-2:111122223333:rule/x:y"}))
    assert not allows(made, Request("a:b", "r", {"k": "arn:aws:events:a:b:111122223333:rule/x"}))


def test_what_it_does_not_know_it_refuses() -> None:
    with pytest.raises(AssertionError, match="unknown operator"):
        allows(
            document({"Action": "a:b", "Resource": "*", "Condition": {"Null": {"k": "true"}}}), Request("a:b", "r")
        )
    with pytest.raises(AssertionError, match="unknown elements"):
        allows(document({"NotAction": "a:b", "Action": "a:b", "Resource": "*"}), Request("a:b", "r"))
    with pytest.raises(AssertionError, match="unknown filter"):
        matches({"a": [{"prefix": "b"}]}, {"a": "bc"})


def test_what_stands_for_everything_is_found() -> None:
    made = document({"Action": ["*", "iam:*", "a:b"], "Resource": "*", "Principal": {"AWS": "*"}})
    assert wide_open(made) == ["*", "iam:*", "*", "*"]


def test_patterns_match_field_by_field() -> None:
    pattern = {"a": ["x", "y"], "b": {"$or": [{"c": [1]}, {"d": [{"anything-but": ["z"]}]}]}}
    assert matches(pattern, {"a": "x", "b": {"c": 1}})
    assert matches(pattern, {"a": ["q", "y"], "b": {"d": "w"}})
    assert not matches(pattern, {"a": "x", "b": {"d": "z"}})
    assert not matches(pattern, {"a": "x", "b": {}})
    assert not matches(pattern, {"b": {"c": 1}})
