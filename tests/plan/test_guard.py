from dataclasses import replace

import pytest

from tests.plan.plans import BUCKET, plan, step, steps
from tests.tables import each_row
from voiceid_optout.plan import Action, Change, Plan, Step
from voiceid_optout.plan.guard import (
    Breach,
    Limits,
    Refusal,
    Rule,
    check,
    is_dangerous,
)

LIMITS = Limits()


def rules(made: Plan, limits: Limits = LIMITS) -> list[Rule]:
    refusal = check(made, limits, "d" * 64, "optout up --approve d")
    return [breach.rule for breach in refusal.breaches] if refusal else []


def letting_go(losses: int, managed: int, action: Action = Action.FORGET) -> Plan:
    return plan(steps(action, losses), unchanged=managed - losses, managed=managed)


def test_a_plan_that_only_adds_and_repairs_passes() -> None:
    made = plan([*steps(Action.OPT_OUT, 500), *steps(Action.REPAIR, 500, 600)], managed=500)
    assert rules(made) == []
    assert rules(plan([])) == []
    assert check(made, LIMITS, "d" * 64, "") is None


def test_a_rule_s_name_is_the_one_that_documents_have() -> None:
    assert [rule.value for rule in Rule] == ["emptied", "share", "count", "unexpected"]


@each_row("action", [Action.FORGET, Action.RELEASE])
@each_row(
    ("losses", "managed", "expected"),
    [
        (9, 10, []),  # a third of very few is nobody's mass change
        (10, 34, []),
        (10, 33, [Rule.SHARE]),
        (30, 100, []),
        (31, 100, [Rule.SHARE]),
        (100, 1000, []),
        (101, 1000, [Rule.COUNT]),
        (400, 1000, [Rule.SHARE, Rule.COUNT]),
    ],
)
def test_losses_are_limited_by_share_and_by_count(
    action: Action, losses: int, managed: int, expected: list[Rule]
) -> None:
    assert rules(letting_go(losses, managed, action)) == expected


def test_forgotten_and_released_count_together() -> None:
    parts = [*steps(Action.FORGET, 6), *steps(Action.RELEASE, 6, 10)]
    assert rules(plan(parts, unchanged=8, managed=20)) == [Rule.SHARE]


def test_the_limits_are_the_stack_s() -> None:
    assert rules(letting_go(1, 1000), Limits(max_losses=0)) == [Rule.COUNT]
    assert rules(letting_go(2, 100), Limits(max_loss_percent=1, percent_from_losses=1)) == [Rule.SHARE]
    assert rules(letting_go(900, 1000), Limits(max_losses=1000, max_loss_percent=90)) == []


@each_row("people", [1, 2, 500])
def test_nobody_left_is_refused_whatever_the_limits(people: int) -> None:
    wide = Limits(max_losses=1000, max_loss_percent=100)
    refusal = check(letting_go(people, people), wide, "d" * 64, "")
    assert refusal is not None
    assert refusal.breaches == (Breach(Rule.EMPTIED, people, None, None),)


def test_someone_left_or_someone_new_is_no_empty_register() -> None:
    assert rules(letting_go(2, 3)) == []
    assert rules(plan([step(Action.FORGET, 1), step(Action.OPT_OUT, 2)], managed=1)) == []
    assert rules(plan([step(Action.FORGET, 1), step(Action.OPT_OUT, 2)], unchanged=1, managed=2)) == []
    assert rules(letting_go(3, 3, Action.RELEASE)) == [], "a release is asked for, one by one"


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE])
def test_a_delete_or_a_replace_of_anything_is_refused(action: Action) -> None:
    assert rules(plan([step(action)], unchanged=9, managed=10)) == [Rule.UNEXPECTED]
    assert rules(plan([Step("guard", action, BUCKET, type=BUCKET)], unchanged=9)) == [Rule.UNEXPECTED]


def test_other_resources_that_are_let_go_are_nobody() -> None:
    assert rules(plan([Step(f"r{n}", Action.FORGET, BUCKET, type=BUCKET) for n in range(500)])) == []


def test_old_lines_of_released_people_may_be_taken_out() -> None:
    change = Change("ensure", "released", None)
    old = [replace(each, change=change) for each in steps(Action.FORGET, 300)]
    assert rules(plan(old, unchanged=1, managed=1)) == []
    assert not is_dangerous(old[0])


def test_those_released_who_were_never_managed_count_but_are_no_share() -> None:
    change = Change("ensure", None, "released")
    new = [replace(each, change=change) for each in steps(Action.RELEASE, 101)]
    assert rules(plan(new[:50])) == []
    assert rules(plan(new)) == [Rule.COUNT]


def test_a_refusal_carries_all_that_is_to_be_said() -> None:
    made = plan([*steps(Action.FORGET, 123), step(Action.DELETE, 999)], unchanged=77, managed=200)
    assert check(made, LIMITS, "d" * 64, "optout up --approve dd") == Refusal(
        (
            Breach(Rule.SHARE, 123, 200, 30),
            Breach(Rule.COUNT, 123, None, 100),
            Breach(Rule.UNEXPECTED, 1, None, 0),
        ),
        losses=123,
        managed=200,
        limits=LIMITS,
        digest="d" * 64,
        override="optout up --approve dd",
    )


@each_row(
    ("breach", "sentence"),
    [
        (Breach(Rule.EMPTIED, 1, None, None), "1 person would no longer be managed, and nobody would be left"),
        (
            Breach(Rule.SHARE, 1234, 4000, 30),
            "1,234 of 4,000 people (30.9 %, at most 30 % may) would be released or no longer managed",
        ),
        (
            Breach(Rule.SHARE, 1, 2, 12.5),
            "1 of 2 people (50 %, at most 12.5 % may) would be released or no longer managed",
        ),
        (
            Breach(Rule.SHARE, 1, 0, 30),
            "1 of 0 people (100 %, at most 30 % may) would be released or no longer managed",
        ),
        (
            Breach(Rule.COUNT, 1234, None, 1000),
            "1,234 people (at most 1,000 may) would be released or no longer managed",
        ),
        (
            Breach(Rule.UNEXPECTED, 1, None, 0),
            "1 resource would be deleted or replaced, which no plan of a healthy stack does",
        ),
        (
            Breach(Rule.UNEXPECTED, 1200, None, 0),
            "1,200 resources would be deleted or replaced, which no plan of a healthy stack does",
        ),
    ],
)
def test_every_breach_in_words(breach: Breach, sentence: str) -> None:
    assert breach.sentence == sentence


def test_reasons_are_one_sentence() -> None:
    breaches = (Breach(Rule.EMPTIED, 2, None, None), Breach(Rule.UNEXPECTED, 1, None, 0))
    assert Refusal(breaches, 2, 2, LIMITS, "d", "o").reasons == (
        "2 people would no longer be managed, and nobody would be left; "
        "1 resource would be deleted or replaced, which no plan of a healthy stack does"
    )


@each_row("action", Action)
def test_only_losses_deletes_and_replaces_endanger(action: Action) -> None:
    endangering = (Action.FORGET, Action.RELEASE, Action.DELETE, Action.REPLACE)
    made = Step("sp-1", action, "", Change("ensure", "opted_out", None))
    assert is_dangerous(made) == (action in endangering)


def test_what_is_not_set_keeps_its_default() -> None:
    assert Limits.of({}) == Limits(max_losses=100, max_loss_percent=30, percent_from_losses=10)
    assert Limits.of({"maxLosses": 0}) == Limits(max_losses=0)
    assert Limits.of({"maxLossPercent": 12.5, "percentFromLosses": 3}) == Limits(100, 12.5, 3)
