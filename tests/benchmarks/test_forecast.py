import pytest

from benchmarks import forecast
from tests.benchmarks.made import cell, known, result
from tests.tables import each_row

TOOLS = frozenset({"pulumi", "aws"})


def why(key: str, *results: object, longest: float = 300, tools: frozenset[str] = TOOLS) -> str | None:
    return forecast.reason_against(cell(key), known(*results), longest, tools)  # type: ignore[arg-type]


def test_a_larger_size_is_in_line_with_smaller_ones() -> None:
    seen = known(result("loop/up/10/none", 1.0), result("loop/up/110/none", 2.0), result("loop/up/1010/none", 11.0))
    assert forecast.seconds(cell("loop/up/10010/none"), seen) == pytest.approx(101)
    assert forecast.seconds(cell("loop/up/110/none"), seen) == 2
    assert forecast.seconds(cell("loop/refresh/10000/none"), seen) == forecast.START


def test_one_run_of_a_few_people_tells_about_starting_alone() -> None:
    seen = known(result("loop/up/10/none", 8.0), result("threads/up/1000/none", 10.0))
    assert forecast.seconds(cell("loop/up/100000/none"), seen) == 8
    assert forecast.seconds(cell("threads/up/10000/none"), seen) == 100


def test_quotas_take_their_time() -> None:
    seen = known(result("loop/up/1000/none", 2.0))
    assert forecast.seconds(cell("loop/up/1000/aws"), seen) == 100
    assert forecast.seconds(cell("sharded/refresh/10000/aws"), {}) == 20 + forecast.START


def test_failures_foretell_nothing() -> None:
    seen = known(result("loop/up/1000/none", 200.0, outcome="failed: no"))
    assert forecast.seconds(cell("loop/up/10000/none"), seen) == forecast.START


def test_reasons() -> None:
    assert why("sharded/preview/10/none") is None
    assert why("loop/refresh/10000/aws") == "at least 17 min by AWS's quota"
    assert why("loop/up/10000/none", result("loop/up/1000/none", 50)) == "about 8 min, estimated"
    assert why("sharded-cli/up/10/none", tools=frozenset()) == "no pulumi here"
    assert why("aws-cli/up/10/none", tools=frozenset({"pulumi"})) == "no aws here"


@each_row("key", ["textbook/preview/1000/none", "textbook/up/10000/none", "textbook/up/1000/aws"])
def test_the_textbook_is_not_tried_where_it_cannot_live(key: str) -> None:
    assert why(key) == "fails with fewer people"


@each_row("key", ["textbook/up/1000/none", "textbook-cli/up/1000/none", "textbook/preview/300/none"])
def test_where_it_dies_is_measured(key: str) -> None:
    assert why(key) is None


def test_long_runs_and_failures_are_run_once() -> None:
    seen = known(
        result("loop/up/10/none", 5), result("loop/up/1000/none", 70), result("raw/up/10/none", outcome="no")
    )
    assert forecast.rounds(cell("loop/up/10/none"), seen, 3) == 3
    assert forecast.rounds(cell("loop/up/1000/none"), seen, 3) == 1
    assert forecast.rounds(cell("raw/up/10/none"), seen, 3) == 1


@each_row(("seconds", "words"), [(5, "5 s"), (119, "119 s"), (1000, "17 min"), (10_000, "2.8 h")])
def test_durations(seconds: float, words: str) -> None:
    assert forecast.duration(seconds) == words


def test_a_cell_that_nobody_had_time_for_is_estimated_from_two_smaller_sizes() -> None:
    seen = known(result("raw/up/10000/none", 1.0), result("raw/up/100000/none", 10.0))
    assert forecast.estimate(cell("raw/up/1000000/none"), seen) == "about 100 s, estimated"
    assert forecast.estimate(cell("raw/up/100000/none"), seen) is None
    assert forecast.estimate(cell("raw/refresh/1000000/none"), seen) is None
