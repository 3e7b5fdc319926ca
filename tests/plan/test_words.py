import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plan.plans import step, steps
from voiceid_optout.plan import Action, Change, Plan, Step
from voiceid_optout.plan.words import (
    REASON_LENGTH,
    SYMBOLS,
    VERBS,
    Gap,
    changed,
    clean,
    cut,
    format_duration,
    more,
    past,
    people,
    shares,
    summary,
)


def of(*actions: Action, unchanged: int = 0) -> Plan:
    return Plan(tuple(Step(f"sp-{n}", action, "") for n, action in enumerate(actions)), unchanged)


@pytest.mark.parametrize("action", Action)
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@settings(deadline=None)
@given(st.text(), st.integers(1, 50))
def test_nothing_gets_through_that_moves_a_cursor(text: str, length: int) -> None:
    line = clean(text, length)
    assert len(line) <= length
    assert line == line.strip()
    assert not {unicodedata.category(letter) for letter in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@settings(deadline=None)
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
