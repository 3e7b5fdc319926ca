from dataclasses import replace

from tests.plan.plans import EVERY_ACTION, plan, step, steps
from voiceid_optout.plan import Action, Change, Step
from voiceid_optout.plan.compare import ROWS_SHOWN, Differences, differences, listed, surplus

ONE, TWO, THREE = steps(Action.OPT_OUT, 3)


def test_equal_plans_do_not_differ_whatever_their_words() -> None:
    made = plan(EVERY_ACTION)
    other = plan([replace(each, reason="x") for each in EVERY_ACTION], unchanged=9)
    assert differences(made, other) == Differences((), ())
    assert surplus(made, other) == ()


def test_each_side_s_own_steps_are_found() -> None:
    drifted = step(Action.REPAIR, 2)
    assert differences(plan([ONE, TWO]), plan([THREE, drifted, ONE])) == Differences((TWO,), (drifted, THREE))


def test_another_status_is_another_step_to_review_but_no_surplus() -> None:
    expired = replace(step(Action.REPAIR), change=Change("status", "EXPIRED", "OPTED_OUT"))
    planned, done = plan([step(Action.REPAIR)]), plan([expired])
    assert differences(planned, done) == Differences((step(Action.REPAIR),), (expired,))
    assert surplus(planned, done) == ()


def test_surplus_is_another_person_or_another_action() -> None:
    assert surplus(plan([ONE]), plan([ONE, TWO])) == (TWO,)
    assert surplus(plan([ONE]), plan([step(Action.RELEASE)])) == (step(Action.RELEASE),)
    assert surplus(plan([ONE, TWO]), plan([ONE])) == (), "less than planned is no surplus"


def test_a_list_names_places_and_changes() -> None:
    assert listed([ONE, step(Action.REPLACE, 2)], {ONE.label: "config/people.yaml:3"}) == [
        f"  + opt out  {ONE.label}  config/people.yaml:3  ensure: none → opted_out",
        f"  ± replace  {TWO.label}",
    ]


def test_a_long_list_is_cut_and_says_so() -> None:
    lines = listed(steps(Action.OPT_OUT, ROWS_SHOWN + 5), {})
    assert len(lines) == ROWS_SHOWN + 1
    assert lines[-1] == "  … 5 more rows …"
    assert len(listed(steps(Action.OPT_OUT, ROWS_SHOWN), {})) == ROWS_SHOWN


def test_a_list_of_what_a_file_said_is_harmless() -> None:
    (line,) = listed([Step("sp-\x1b[2J", Action.DELETE, "", Change("ensure", "\r\n", None))], {})
    assert line.isprintable()
