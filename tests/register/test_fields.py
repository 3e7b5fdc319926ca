from datetime import date

import pytest

from voiceid_optout.register.fields import (
    FILE_KEYS,
    SPEAKERS,
    is_ambiguous,
    is_null,
    is_number_or_boolean,
    parse_date,
    suggest,
)


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


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("Id", "id"),
        ("requested", "requested_on"),
        ("requestedOn", "requested_on"),
        ("reasons", "reason"),
        ("tiket", "ticket"),
    ],
)
def test_the_nearest_key_is_named(key: str, meant: str) -> None:
    assert suggest(key, SPEAKERS.by_name) == f"unknown key: did you mean '{meant}'?"


def test_a_key_of_another_level() -> None:
    assert suggest("domain", SPEAKERS.by_name) == "'domain' belongs at the top of the file: check the indentation"
    assert suggest("id", FILE_KEYS) == "'id' belongs in an entry: check the indentation"


def test_a_key_that_may_be_a_person_is_not_named() -> None:
    assert suggest("caller-000017", FILE_KEYS) == "unknown key; known here: domain, speakers, released"
    assert len(suggest("x" * 1_000_000, FILE_KEYS)) < 100
