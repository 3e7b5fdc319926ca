"""Words that are not always text."""

from datetime import date

import pytest

from voiceid_optout.register.scalars import is_ambiguous, is_null, is_number_or_boolean, parse_date


@pytest.mark.parametrize("word", ["", "~", "null", "NULL"])
def test_nothing(word: str) -> None:
    assert is_null(word)
    assert not is_number_or_boolean(word)


@pytest.mark.parametrize("word", ["0017", "-1", "0o17", "0x1F", "1.5", ".5", "1e5", "1.", "-.inf", ".NaN", "true"])
def test_numbers_and_booleans(word: str) -> None:
    assert is_number_or_boolean(word)


@pytest.mark.parametrize("word", ["yes", "Off", "1_000", "0b1", "12:30:00", "2026-03-02", "<<", "="])
def test_ambiguous(word: str) -> None:
    assert is_ambiguous(word)
    assert not is_number_or_boolean(word)


@pytest.mark.parametrize("word", ["caller-000017", "0017a", "1e", "yy", "nul", "truely", "id#0", "-", "."])
def test_text(word: str) -> None:
    assert not is_null(word)
    assert not is_number_or_boolean(word)
    assert not is_ambiguous(word)


def test_dates() -> None:
    assert parse_date("2024-02-29") == date(2024, 2, 29)
    assert parse_date("2026-02-29") is None
