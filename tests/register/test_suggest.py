"""Advice on unknown keys."""

import pytest

from voiceid_optout.register.fields import FILE_KEYS, SPEAKERS
from voiceid_optout.register.suggest import suggest


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
