import pytest

from optout.plan import Action, Plan, Step
from optout.plan.text import ROWS_SHOWN, Row, lines, people, rows, summary

A, B, C = "sp-000000000000000a", "sp-000000000000000b", "sp-000000000000000c"


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (Action.OPT_OUT, "to opt out"),
        (Action.REPAIR, "to repair"),
        (Action.RELEASE, "to release"),
        (Action.FORGET, "to stop managing"),
        (Action.UPDATE, "to update"),
        (Action.DELETE, "to delete"),
        (Action.REPLACE, "to replace"),
    ],
)
def test_every_action_has_its_words(action: Action, words: str) -> None:
    plan = Plan((Step(A, action, "why"),), 1234)
    assert summary(plan) == f"1 {words}, 1,234 unchanged"


def test_the_summary_leaves_out_what_does_not_happen_and_says_what_matters_first() -> None:
    steps = [Step(A, Action.FORGET, "")] + [Step(f"sp-{n}", Action.OPT_OUT, "new") for n in range(1000)]
    assert summary(Plan(tuple(steps), 0)) == "1,000 to opt out, 1 to stop managing, 0 unchanged"
    assert summary(Plan((), 0)) == "0 unchanged"


def test_one_is_a_person_and_more_are_people() -> None:
    assert [people(count) for count in (0, 1, 2, 1200)] == ["0 people", "1 person", "2 people", "1,200 people"]


def test_every_action_has_a_symbol() -> None:
    shown, left = rows(Plan(tuple(Step(A, action, "why") for action in Action), 0), {})
    assert [(row.symbol, row.action) for row in shown] == [
        ("+", "opt out"),
        ("!", "repair"),
        ("-", "release"),
        ("·", "stop managing"),
        ("~", "update"),
        ("-", "delete"),
        ("±", "replace"),
    ]
    assert left == 0


def test_rows_follow_the_register_and_what_it_no_longer_lists_comes_last() -> None:
    plan = Plan(tuple(Step(label, Action.OPT_OUT, "new") for label in (A, B, C)), 0)
    shown, _ = rows(plan, {B: "config/people.yaml:10", C: "config/people.yaml:9"})
    assert [(row.label, row.place) for row in shown] == [
        (C, "config/people.yaml:9"),
        (B, "config/people.yaml:10"),
        (A, ""),
    ]


def test_rows_are_limited_and_the_rest_is_counted() -> None:
    plan = Plan(tuple(Step(f"sp-{n:016x}", Action.OPT_OUT, "new") for n in range(ROWS_SHOWN + 3)), 0)
    shown, left = rows(plan, {})
    assert (len(shown), left) == (ROWS_SHOWN, 3)
    shown, left = rows(plan, {}, limit=2)
    assert (len(shown), left) == (2, ROWS_SHOWN + 1)


ROWS = [
    Row("!", "repair", A, "config/people.yaml:4", "ENROLLED in the service, should be OPTED_OUT"),
    Row("+", "opt out", B, "config/branch-offices.yaml:12", "new"),
    Row("·", "stop managing", C, "", "no longer in the register"),
]


def test_columns_are_as_wide_as_their_widest_entry() -> None:
    assert lines(ROWS) == [
        f"! repair         {A}  config/people.yaml:4           ENROLLED in the service, should be OPTED_OUT",
        f"+ opt out        {B}  config/branch-offices.yaml:12  new",
        f"· stop managing  {C}                                 no longer in the register",
    ]
    assert lines([]) == []


def test_where_a_line_does_not_fit_the_reasons_have_lines_of_their_own() -> None:
    width = max(map(len, lines(ROWS)))
    assert lines(ROWS, width) == lines(ROWS)
    assert lines(ROWS, width - 1) == [
        f"! repair         {A}  config/people.yaml:4\n    ENROLLED in the service, should be OPTED_OUT",
        f"+ opt out        {B}  config/branch-offices.yaml:12\n    new",
        f"· stop managing  {C}\n    no longer in the register",
    ]
