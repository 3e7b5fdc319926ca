"""What compares can see."""

from __future__ import annotations

from typing import Any

from tests.conformance.compare import Difference, differences, judge
from tests.conformance.scenario import Allowed, Scenario, up


def observed(**more: Any) -> dict[str, Any]:
    return {"operation": "up", "state": {"a": {"id": 1}}, **more}


def test_equal_turns_do_not_differ() -> None:
    assert differences([observed()], [observed()]) == []


def test_a_difference_says_where() -> None:
    other = observed(state={"a": {"id": 1.0}}, lock="left behind")
    found = differences([observed()], [other])
    assert found == [
        Difference("1 up/lock", "(absent)", "left behind"),
        Difference("1 up/state/a/id", 1, 1.0),
    ]
    assert str(found[1]) == "1 up/state/a/id\n    official: 1\n    embedded: 1.0"


def test_another_number_of_turns() -> None:
    assert differences([observed()], []) == [Difference("turns", 1, 0)]


def test_what_is_allowed_stays_and_what_is_needless_is_named() -> None:
    allowed = (Allowed("1 up/state", "why"), Allowed("2 up/errors", "words"))
    scenario = Scenario(name="x", about="", turns=(up(),), allowed=allowed)
    here, there = Difference("1 up/state/a", 1, 2), Difference("1 up/calls", 1, 2)
    verdict = judge(scenario, [here, there])
    assert verdict.unexpected == (there,)
    assert verdict.unneeded == ("2 up/errors",)
