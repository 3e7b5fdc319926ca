import dataclasses
from collections import Counter

import pytest

from optout.plan import Action, Plan, Step

PLAN = Plan(
    (
        Step("sp-1", Action.OPT_OUT, "new"),
        Step("sp-2", Action.REPAIR, "gone from the service"),
        Step("sp-3", Action.OPT_OUT, "new"),
    ),
    7,
)


def test_counts_are_by_action() -> None:
    assert PLAN.counts == Counter({Action.OPT_OUT: 2, Action.REPAIR: 1})
    assert PLAN.counts[Action.DELETE] == 0


def test_drifted_are_the_repairs() -> None:
    assert PLAN.drifted == (PLAN.steps[1],)


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLAN.unchanged = 0  # type: ignore[misc]


def test_actions_are_the_words_of_the_json_document() -> None:
    assert [action.value for action in Action] == [
        "opt-out",
        "repair",
        "release",
        "forget",
        "update",
        "delete",
        "replace",
    ]
