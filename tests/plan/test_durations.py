import pytest

from voiceid_optout.plan.durations import spoken


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
    assert spoken(seconds) == words
