import dataclasses
from collections import Counter

import pytest

from voiceid_optout.plan import Action, Change, Plan, Step

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


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PLAN.unchanged = 0  # type: ignore[misc]


def test_a_step_is_about_a_person_unless_it_names_a_type() -> None:
    assert Step("sp-1", Action.OPT_OUT, "new").is_person
    assert not Step("guard", Action.CREATE, "", type="aws:s3/bucket:Bucket").is_person


def test_wording_makes_no_other_step_and_everything_else_does() -> None:
    step = Step("sp-1", Action.REPAIR, "gone", Change("status", None, "OPTED_OUT"))
    assert step.identity == dataclasses.replace(step, reason="in other words").identity
    others: list[dict[str, object]] = [
        {"label": "sp-2"},
        {"action": Action.OPT_OUT},
        {"type": "aws:s3/bucket:Bucket"},
        {"change": None},
        {"change": Change("status", "ENROLLED", "OPTED_OUT")},
        {"change": Change("status", None, None)},
        {"change": Change("ensure", None, "OPTED_OUT")},
    ]
    identities = {dataclasses.replace(step, **other).identity for other in others}  # type: ignore[arg-type]
    assert step.identity not in identities
    assert len(identities) == len(others)


def test_actions_are_the_words_of_the_json_document() -> None:
    assert [action.value for action in Action] == [
        "opt-out",
        "repair",
        "release",
        "forget",
        "move",
        "create",
        "update",
        "delete",
        "replace",
    ]
