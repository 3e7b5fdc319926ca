"""A small evaluator of IAM policies: what a document allows, whatever its text.

It knows what the project's documents use and refuses everything else, so that no condition is ever passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """Who asks for what: ``principal`` is a kind and a name, None in a policy of an identity."""

    action: str
    resource: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)
    principal: tuple[str, str] | None = None


def allows(document: Document, request: Request) -> bool:
    """Tell whether a document allows a request: some statement allows it, and none denies it."""
    effects = {statement["Effect"] for statement in statements(document) if _matches(statement, request)}
    assert effects <= {"Allow", "Deny"}
    return effects == {"Allow"}


def statements(document: Document) -> list[Mapping[str, Any]]:
    assert document["Version"] == "2012-10-17"
    return _list(document["Statement"])


def wide_open(document: Document) -> list[str]:
    """Return the actions, resources and principals that stand for everything."""
    found = []
    for statement in statements(document):
        values = [*_list(statement["Action"]), *_list(statement.get("Resource", []))]
        for kind in statement.get("Principal", {}).values():
            values += _list(kind)
        found += [
            value for value in values if value == "*" or value.endswith(":*:*") or re.fullmatch(r"\w+:\*", value)
        ]
    return found


def _matches(statement: Mapping[str, Any], request: Request) -> bool:
    known = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    assert set(statement) <= known, f"unknown elements: {set(statement) - known}"
    return (
        any(_like(pattern.lower(), request.action.lower()) for pattern in _list(statement["Action"]))
        and _is_of(statement.get("Resource"), request.resource)
        and _is_by(statement.get("Principal"), request.principal)
        and all(_holds(*condition, request.context) for condition in _conditions(statement))
    )


def _is_of(patterns: Any, resource: str | None) -> bool:
    if patterns is None or resource is None:
        return patterns is None and resource is None
    return any(_like(pattern, resource) for pattern in _list(patterns))


def _is_by(principals: Any, principal: tuple[str, str] | None) -> bool:
    if principals is None or principal is None:
        return principals is None and principal is None
    kind, name = principal
    return name in _list(principals.get(kind, []))


def _conditions(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            yield operator, key, _list(values)


def _holds(operator: str, key: str, values: list[str], context: Mapping[str, str]) -> bool:
    given = {name.lower(): value for name, value in context.items()}.get(key.lower())
    if given is None:  # none of these operators holds for a key that is not there
        assert operator in _OPERATORS, f"unknown operator {operator}"
        return False
    return any(_OPERATORS[operator](value, given) for value in values)


def _like(pattern: str, text: str) -> bool:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _arn_like(pattern: str, arn: str) -> bool:
    """Compare part by part: a wildcard of an ARN does not reach over a colon but in its last part."""
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(map(_like, wanted, given))


_OPERATORS = {
    "StringEquals": lambda pattern, text: pattern == text,
    "StringLike": _like,
    "ArnEquals": _arn_like,  # the same as ArnLike, by IAM's own word
    "ArnLike": _arn_like,
}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
