import unicodedata
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.plans import DOMAIN, SCOPE, plan, review, step, steps
from tests.tables import each_row
from voiceid_optout.plan import Action, Change, Plan, Purpose, Scope, Step, digest, people
from voiceid_optout.plan.review import (
    REASON_LENGTH,
    SYMBOLS,
    TICKET_LENGTH,
    VERBS,
    Gap,
    Pace,
    Review,
    changed,
    clean,
    cut,
    format_duration,
    more,
    past,
    shares,
    summary,
)

A, B, C = steps(Action.OPT_OUT, 3)


@each_row(
    ("purpose", "title", "is_plan"),
    [
        (Purpose.UP, "Plan for stack test", True),
        (Purpose.DESTROY, "Plan to destroy stack test", True),
        (Purpose.REFRESH, "Drift in stack test", False),
        (Purpose.DRIFT, "Drift in stack test", False),
    ],
)
def test_what_it_is_called(purpose: Purpose, title: str, *, is_plan: bool) -> None:
    made = Review(plan([]), Scope("voiceid-optout", "test", purpose, "https://voiceid.example.org", "us-east-1"))
    assert (made.title, made.is_plan) == (title, is_plan)


def test_its_digest_is_the_plan_s() -> None:
    assert review([A, B]).digest == digest(plan([A, B]), SCOPE)


def test_neither_links_nor_tickets_nor_places_of_before_change_the_digest() -> None:
    label = A.label
    extra: dict[str, Any] = {
        "links": {label: "https://x"},
        "tickets": {label: "PRIV-1"},
        "former": {label: "a:1 (1a2b3c4)"},
    }
    assert review([A, B], **extra).digest == review([A, B]).digest


def test_a_note_explains_the_rows_that_alarm_most() -> None:
    left = step(Action.FORGET)
    assert "stays opted out" in review([left]).note
    assert review([A]).note == ""
    assert Review(plan([left]), replace(SCOPE, purpose=Purpose.DESTROY)).note == ""


def test_a_ticket_is_one_short_line() -> None:
    assert review([A], tickets={A.label: "PRIV-1\n::error::x \x1b[31m"}).ticket(A) == clean(
        "PRIV-1 ::error::x [31m"
    )
    assert len(review([A], tickets={A.label: "x" * 256}).ticket(A)) == TICKET_LENGTH


def test_steps_follow_the_register_and_what_it_no_longer_lists_comes_last() -> None:
    made = review([A, B, C], places={B.label: "config/people.yaml:10", C.label: "config/people.yaml:9"})
    assert made.steps == [C, B, A]
    assert [made.place(each) for each in made.steps] == ["config/people.yaml:9", "config/people.yaml:10", ""]


@given(st.lists(st.tuples(st.sampled_from(["", "a.yaml", "b.yaml", "a:b.yaml"]), st.integers(1, 3))))
def test_steps_go_by_file_then_by_line_then_as_in_the_plan(lines: list[tuple[str, int]]) -> None:
    many = steps(Action.OPT_OUT, len(lines))
    places = {each.label: f"{file}:{line}" for each, (file, line) in zip(many, lines, strict=True) if file}
    found = sorted(
        zip(many, lines, strict=True), key=lambda pair: (not pair[1][0], pair[1][0], pair[1][0] and pair[1][1])
    )
    assert review(many, places=places).steps == [each for each, _ in found]


def test_only_a_release_has_the_register_s_reason() -> None:
    released = step(Action.RELEASE, 4)
    because = {A.label: "objection by phone", released.label: "consented\nagain\x1b[31m " + "x" * 500}
    made = review([A, released], because=because)
    assert made.reason_of_release(A) == ""
    assert made.reason_of_release(released).startswith("consented again[31m xx")
    assert len(made.reason_of_release(released)) == REASON_LENGTH
    assert review([released]).reason_of_release(released) == ""


def test_it_does_not_show_places_and_reasons() -> None:
    made = review([], places={"sp-1": "config/people.yaml:10"}, because={"sp-1": "consented"})
    assert "people.yaml" not in repr(made)
    assert "consented" not in repr(made)


def in_domains(count: int) -> Review:
    placed = [replace(each, domain=f"D{number:021}") for number, each in enumerate(steps(Action.OPT_OUT, count))]
    return review(placed)


def test_where_a_plan_goes_is_one_line() -> None:
    assert review([]).where == "https://voiceid.example.org (us-east-1)"
    assert review([step(Action.OPT_OUT)]).where == f"https://voiceid.example.org (us-east-1), domain {DOMAIN}"
    assert in_domains(2).where.endswith(f", domains D{0:021}, D{1:021}")
    assert in_domains(13).where.endswith(f"D{9:021} and 3 more")


def test_a_hostile_place_is_one_line_without_controls() -> None:
    hostile = replace(step(Action.OPT_OUT), domain="D\n::add-mask::x\x1b[2J")
    made = review([hostile], scope=replace(SCOPE, endpoint="https://a\n::error::b\u202e"))
    assert made.where == "https://a ::error::b (us-east-1), domain D ::add-mask::x[2J"


@each_row(
    ("opt_outs", "releases", "seconds", "words"),
    [
        (0, 0, 0, ""),
        (99, 0, 9.9, ""),
        (4210, 0, 421, "about 7 min at 10 calls a second"),
        (4210, 10, 421, "about 7 min at 10 calls a second"),
        (10, 90, 30, "about 30 s at 3 calls a second"),
    ],
)
def test_the_slower_quota_decides(opt_outs: int, releases: int, seconds: float, words: str) -> None:
    made = plan([*steps(Action.OPT_OUT, opt_outs), *steps(Action.RELEASE, releases)])
    pace = Pace(opt_out=10, delete=3)
    assert pace.seconds(made) == pytest.approx(seconds)
    assert pace.words(made) == words


def test_repairs_are_opt_outs_and_the_forgotten_cost_nothing() -> None:
    made = plan([*steps(Action.REPAIR, 150), *steps(Action.FORGET, 1000)])
    assert Pace(10, 10).words(made) == "about 15 s at 10 calls a second"


def test_a_review_says_it_behind_the_counts() -> None:
    made = steps(Action.OPT_OUT, 600)
    assert review(made, pace=Pace(10, 10)).summary == (
        "600 to opt out, 0 unchanged; about 1 min at 10 calls a second"
    )
    assert review(made).summary == "600 to opt out, 0 unchanged"


def of(*actions: Action, unchanged: int = 0) -> Plan:
    return Plan(tuple(Step(f"sp-{n}", action, "") for n, action in enumerate(actions)), unchanged)


@each_row("action", Action)
def test_every_action_has_its_words(action: Action) -> None:
    assert summary(of(action, unchanged=1234)) == f"1 to {VERBS[action]}, 1,234 unchanged"
    assert len(SYMBOLS[action]) == 1


def test_every_action_has_its_past() -> None:
    assert past(of(*Action)) == (
        "1 opted out, 1 repaired, 1 released, 1 no longer managed, 1 moved, 1 created, "
        "1 updated, 1 deleted, 1 replaced"
    )


def test_the_summary_leaves_out_what_does_not_happen_and_says_what_matters_first() -> None:
    plan = of(Action.FORGET, *[Action.OPT_OUT] * 1000)
    assert summary(plan) == "1,000 to opt out, 1 to stop managing, 0 unchanged"
    assert summary(of()) == "0 unchanged"


def test_one_is_a_person_and_more_are_people() -> None:
    assert [people(count) for count in (0, 1, 2, 1200)] == ["0 people", "1 person", "2 people", "1,200 people"]


def test_rows_left_out_are_counted() -> None:
    assert [more(count) for count in (1, 4211)] == ["… 1 more row …", "… 4,211 more rows …"]


@each_row(
    ("change", "words"),
    [
        (None, ""),
        (Change("status", "ENROLLED", "OPTED_OUT"), "status: ENROLLED → OPTED_OUT"),
        (Change("ensure", None, "opted_out"), "ensure: none → opted_out"),
        (Change("status", "ENROLLED", None), "status: ENROLLED → none"),
    ],
)
def test_a_change_in_words(change: Change | None, words: str) -> None:
    assert changed(change) == words


@each_row(
    ("text", "line"),
    [
        ("consented again in writing", "consented again in writing"),
        ("  two\r\n\tlines \u2028 and\u00a0a half ", "two lines and a half"),
        ("red \x1b[31malert\x07", "red [31malert"),
        ("\u202egnitirw\u202c zero\u200bwidth\ufeff", "gnitirw zerowidth"),
        ("Grüße, 日本語 🎉", "Grüße, 日本語 🎉"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_a_free_text_becomes_one_harmless_line(text: str, line: str) -> None:
    assert clean(text) == line


def test_a_free_text_is_cut_to_a_sane_length() -> None:
    assert clean("a" * REASON_LENGTH) == "a" * REASON_LENGTH
    assert clean("a" * (REASON_LENGTH + 1)) == "a" * (REASON_LENGTH - 1) + "…"
    assert clean("four words in here", 11) == "four words…"


@given(st.text(), st.integers(1, 50))
def test_nothing_gets_through_that_moves_a_cursor(text: str, length: int) -> None:
    line = clean(text, length)
    assert len(line) <= length
    assert line == line.strip()
    assert not {unicodedata.category(letter) for letter in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@each_row(
    ("seconds", "words"),
    [
        (0, "less than 1 s"),
        (0.9, "less than 1 s"),
        (12.4, "12 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (421, "7 min"),
        (3599, "1 h"),
        (4800, "1 h 20 min"),
        (36_000_000, "10,000 h"),
    ],
)
def test_durations_are_told_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


def test_what_fits_is_not_cut() -> None:
    three = steps(Action.OPT_OUT, 3)
    assert cut(three, 3) == three
    assert cut([], 0) == []


def test_the_middle_gives_way_and_is_counted() -> None:
    ten = steps(Action.OPT_OUT, 10)
    assert cut(ten, 5) == [*ten[:3], Gap(5), *ten[-2:]]
    assert cut(ten, 1) == [ten[0], Gap(9)]
    assert cut(ten, 0) == [Gap(10)]


def test_one_release_among_a_thousand_opt_outs_stays_to_be_seen() -> None:
    many = [*steps(Action.OPT_OUT, 500), step(Action.RELEASE, 501), *steps(Action.OPT_OUT, 500, 502)]
    shown = cut(many, 5)
    assert shown == [*many[:2], Gap(498), many[500], Gap(498), *many[-2:]]


@each_row(
    ("counts", "room", "given_"),
    [
        ({Action.OPT_OUT: 5}, 3, [3]),
        ({Action.OPT_OUT: 100, Action.RELEASE: 2}, 10, [8, 2]),
        ({Action.OPT_OUT: 100, Action.RELEASE: 100}, 9, [5, 4]),
        ({Action.OPT_OUT: 1, Action.RELEASE: 1}, 9, [1, 1]),
        ({}, 9, []),
    ],
)
def test_room_is_divided(counts: dict[Action, int], room: int, given_: list[int]) -> None:
    found = shares(counts, room)
    assert sorted(found.values(), reverse=True) == given_


@given(st.lists(st.sampled_from(list(Action))), st.integers(0, 30))
def test_nothing_is_lost_and_nothing_is_too_much(actions: list[Action], room: int) -> None:
    many = [Step(f"sp-{n}", action, "") for n, action in enumerate(actions)]
    shown = cut(many, room)
    rows = [item for item in shown if isinstance(item, Step)]
    assert len(rows) == min(room, len(many))
    assert len(rows) + sum(item.count for item in shown if isinstance(item, Gap)) == len(many)
    assert rows == [item for item in many if item in rows], "the order stays"
    assert room < len(set(actions)) or {row.action for row in rows} == set(actions)
    assert not any(isinstance(a, Gap) and isinstance(b, Gap) for a, b in pairwise(shown))
