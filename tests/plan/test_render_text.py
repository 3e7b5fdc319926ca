from dataclasses import replace

import pytest

from tests.plan.plans import BUCKET, DOMAIN, EVERY_ACTION, plan, review, step, steps
from tests.tables import each_row
from voiceid_optout.plan import Action, Change, Purpose, Scope, Step, short
from voiceid_optout.plan.guard import Limits, check
from voiceid_optout.plan.render_text import (
    DIFFERENCES_SHOWN,
    ROWS_SHOWN,
    Row,
    Tone,
    aligned,
    lines,
    render,
    row,
    step_lines,
)

A, B, C = "sp-000000000000000a", "sp-000000000000000b", "sp-000000000000000c"


def test_a_plan_is_a_summary_its_rows_and_its_digest() -> None:
    repaired, forgotten = step(Action.REPAIR, 10), step(Action.FORGET, 11)
    made = review([repaired, forgotten], 3, places={repaired.label: "config/people.yaml:3"})
    assert render(made).splitlines() == [
        "Plan for stack test: 1 to repair, 1 to stop managing, 3 unchanged",
        f"Endpoint: https://voiceid.example.org (us-east-1), domain {DOMAIN}",
        f"  ! repair         {A}  config/people.yaml:3  ENROLLED in the service, should be OPTED_OUT",
        f"  · stop managing  {B}{' ' * 24}no longer in the register; the opt-out stays in the service",
        f"Digest: {short(made.digest)}",
    ]


def test_a_row_says_where_the_register_had_somebody_whom_it_has_no_more() -> None:
    left = step(Action.FORGET, 11)
    made = review([left], 3, former={left.label: "config/people.yaml:14 (1a2b3c4)"})
    assert render(made).splitlines()[2] == (
        f"  · stop managing  {B}  was config/people.yaml:14 (1a2b3c4)  "
        "no longer in the register; the opt-out stays in the service"
    )


def test_a_plan_of_nothing_needs_no_digest_and_a_report_has_none() -> None:
    assert render(review([], 3)).splitlines() == [
        "Plan for stack test: 3 unchanged",
        "Endpoint: https://voiceid.example.org (us-east-1)",
    ]
    drift = review(
        [step(Action.REPAIR)],
        scope=Scope("voiceid-optout", "test", Purpose.DRIFT, "https://voiceid.example.org", "us-east-1"),
    )
    assert "Digest" not in render(drift)


def test_what_the_guard_says_comes_before_the_digest() -> None:
    made = plan([step(Action.FORGET)], managed=1)
    refusal = check(made, Limits(), "d" * 64, "optout up --stack test --approve dddd")
    shown = render(review(made.steps, refusal=refusal)).splitlines()
    assert shown[3:5] == [
        "The guard would refuse this: 1 person would no longer be managed, and nobody would be left.",
        "To do exactly this all the same: optout up --stack test --approve dddd",
    ]
    assert shown[5].startswith("Digest: ")


def test_a_release_says_why() -> None:
    released = step(Action.RELEASE)
    made = review([released], because={released.label: "consented again"})
    assert row(made, released).reason == 'released because "consented again"'
    assert row(review([released]), released).reason == "released"


@each_row("each", EVERY_ACTION)
def test_every_action_has_a_row(each: Step) -> None:
    (_, _, line, _) = lines(review([each]))
    assert each.label in line.text
    assert each.reason in line.text
    assert line.tone is Tone.PLAIN or each.action is not Action.FORGET


def test_nothing_from_elsewhere_reaches_a_terminal_as_it_is() -> None:
    evil = Step("res\x1b[2Jource", Action.CREATE, f"{BUCKET}\r\x07", Change("status", "\x1b", None), BUCKET)
    status = replace(step(Action.REPAIR), reason="EN\u202eROLLED\n in the service")
    assert all(line.text.isprintable() for line in lines(review([evil, status])))


def test_rows_are_limited_and_the_middle_is_counted() -> None:
    made = review(steps(Action.OPT_OUT, ROWS_SHOWN + 1100))
    shown = lines(made)
    assert len(shown) == 2 + ROWS_SHOWN + 1 + 1
    assert shown[2 + ROWS_SHOWN // 2].text == "  … 1,100 more rows …"
    assert shown[0].text == f"Plan for stack test: {ROWS_SHOWN + 1100:,} to opt out, 0 unchanged"
    assert len(lines(made, limit=2)) == 6


@pytest.mark.costly
def test_a_hundred_thousand_steps_stay_readable_and_a_release_is_among_them() -> None:
    made = review([*steps(Action.OPT_OUT, 100_000), step(Action.RELEASE, 50_000_000)])
    shown = render(made).splitlines()
    assert len(shown) <= ROWS_SHOWN + 5
    assert sum(line.startswith("  - release") for line in shown) == 1


ROWS = [
    Row("!", "repair", A, "config/people.yaml:4", "ENROLLED in the service, should be OPTED_OUT"),
    Row("+", "opt out", B, "config/branch-offices.yaml:12", "new"),
    Row("·", "stop managing", C, "", "no longer in the register"),
]


def test_columns_are_as_wide_as_their_widest_entry() -> None:
    assert aligned(ROWS) == [
        f"  ! repair         {A}  config/people.yaml:4           ENROLLED in the service, should be OPTED_OUT",
        f"  + opt out        {B}  config/branch-offices.yaml:12  new",
        f"  · stop managing  {C}                                 no longer in the register",
    ]
    assert aligned([]) == []


def test_where_a_line_does_not_fit_its_reason_has_a_line_of_its_own() -> None:
    joined = aligned(ROWS)
    width = max(map(len, joined))
    assert aligned(ROWS, width) == joined
    assert aligned(ROWS, width - 1) == [
        f"  ! repair         {A}  config/people.yaml:4\n      ENROLLED in the service, should be OPTED_OUT",
        *joined[1:],
    ]
    assert aligned(ROWS, 20)[1:] == [
        f"  + opt out        {B}  config/branch-offices.yaml:12\n      new",
        f"  · stop managing  {C}\n      no longer in the register",
    ]


def test_a_list_names_places_and_changes() -> None:
    new, replaced = step(Action.OPT_OUT, 0), step(Action.REPLACE, 2)
    assert step_lines([new, replaced], {new.label: "config/people.yaml:3"}) == [
        f"  + opt out  {new.label}  config/people.yaml:3  ensure: none → opted_out",
        f"  ± replace  {replaced.label}",
    ]


def test_a_long_list_is_cut_and_says_so() -> None:
    found = step_lines(steps(Action.OPT_OUT, DIFFERENCES_SHOWN + 5), {})
    assert len(found) == DIFFERENCES_SHOWN + 1
    assert found[-1] == "  … 5 more rows …"
    assert len(step_lines(steps(Action.OPT_OUT, DIFFERENCES_SHOWN), {})) == DIFFERENCES_SHOWN


def test_a_list_of_what_a_file_said_is_harmless() -> None:
    (line,) = step_lines([Step("sp-\x1b[2J", Action.DELETE, "", Change("ensure", "\r\n", None))], {})
    assert line.isprintable()
