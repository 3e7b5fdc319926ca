import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voiceid_optout.plan import Action, Change, Plan, Step
from voiceid_optout.plan.words import REASON_LENGTH, SYMBOLS, VERBS, changed, clean, more, past, people, summary


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
