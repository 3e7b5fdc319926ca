import pytest

from voiceid_optout.cli.scale import MANY, advice


@pytest.mark.parametrize(("people", "sharded"), [(0, False), (MANY, False), (MANY + 1, True), (100_000, True)])
def test_few_people_and_people_in_shards_need_no_advice(people: int, sharded: bool) -> None:
    assert advice(people, sharded=sharded) is None


def test_many_people_are_told_what_they_wait_for() -> None:
    assert advice(10_000, sharded=False) == (
        "10,000 people with a resource each: an unchanged preview takes about 25 s, with "
        "voiceid-optout:grouping: sharded about 2 s. Switching changes nobody in the service"
    )


def test_the_advice_pays_from_the_first_person_it_is_given_to() -> None:
    text = advice(MANY + 1, sharded=False)
    assert text is not None
    assert "about 6 s" in text
    assert "about 2 s" in text
