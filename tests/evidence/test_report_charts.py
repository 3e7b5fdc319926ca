import pytest

from tests.tables import each_row
from voiceid_optout.evidence import EvidenceError
from voiceid_optout.evidence.report import Month
from voiceid_optout.evidence.report_charts import MOST_MONTHS, delays, latest, nice_step, objections


def month(name: str, requested: int = 1, days: float | None = 2.5) -> Month:
    return Month(name, requested, requested, requested, days, days)


def test_months_without_anybody_are_shown_too() -> None:
    shown = latest((month("2025-11"), month("2026-02")))
    assert [one.month for one in shown] == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert [one.requested for one in shown] == [1, 0, 0, 1]


def test_only_the_last_months_have_room() -> None:
    shown = latest((month("0001-01"), month("2026-02")))
    assert len(shown) == MOST_MONTHS
    assert (shown[0].month, shown[-1].month) == ("2024-03", "2026-02")


@each_row("name", ["2026-13", "2026", "soon", "0000-01"])
def test_a_month_that_is_none_is_one_clear_error(name: str) -> None:
    with pytest.raises(EvidenceError, match="no calendar has"):
        latest((month(name),))


@each_row(
    ("highest", "step"),
    [(0, 1), (1, 1), (4, 1), (5, 2), (9, 5), (40, 10), (41, 20), (8600, 5000), (1_000_000, 500_000)],
)
def test_a_scale_has_about_four_lines_at_round_numbers(highest: float, step: float) -> None:
    assert nice_step(highest) == step


def test_a_bar_is_as_high_as_its_number_says() -> None:
    figure = objections((month("2026-01", 10), month("2026-02", 20)))
    first, _, second, _ = (float(bar.attrib["height"]) for bar in figure.iter("rect"))
    assert second == 2 * first
    assert next(figure.iter("rect"))[0].text == "2026-01: 10 asked"


def test_who_does_not_see_the_picture_is_told_what_it_shows() -> None:
    figure = delays((month("2026-01", days=3.5), month("2026-02", days=None)))
    text = next(figure.iter("desc")).text
    assert text == (
        "2026-01 to 2026-02. median: at most 3.5, in 2026-01; 3.5 in 2026-01. "
        "longest: at most 3.5, in 2026-01; 3.5 in 2026-01. The table below has the numbers."
    )


def test_a_picture_without_numbers_has_a_scale_all_the_same() -> None:
    figure = delays((month("2026-01", days=None),))
    assert [text.text for text in figure.iter("text") if text.attrib["class"] == "scale"] == ["0", "1"]


def test_large_numbers_are_short_on_the_scale() -> None:
    figure = objections((month("2026-01", 1_000_000),))
    assert [text.text for text in figure.iter("text") if text.attrib["class"] == "scale"] == ["0", "500k", "1m"]
