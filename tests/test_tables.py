import inspect

import pytest

from tests.tables import each_row


def test_every_row_is_run_with_its_values_and_the_fixtures() -> None:
    seen: list[tuple[str, int, str]] = []

    @each_row("word, number", [("a", 1), pytest.param("b", 2, id="second")])
    @each_row("letter", "xy")
    def test(given: list[tuple[str, int, str]], word: str, number: int, letter: str) -> None:
        given.append((word, number, letter))

    assert [*inspect.signature(test).parameters] == ["given"]
    test(given=seen)
    assert seen == [("a", 1, "x"), ("a", 1, "y"), ("b", 2, "x"), ("b", 2, "y")]


def test_all_failures_are_told_with_their_rows() -> None:
    @each_row("number", [1, 2, 3, 4])
    def test(number: int) -> None:
        assert number != 2
        if number == 3:
            pytest.fail("three")
        if number == 4:
            raise ValueError("four")

    with pytest.raises(ExceptionGroup, match="3 of 4 rows failed") as caught:
        test()
    assert [type(error) for error in caught.value.exceptions] == [AssertionError, AssertionError, ValueError]
    assert [error.__notes__ for error in caught.value.exceptions] == [
        ["row: number=2"],
        ["row: number=3"],
        ["row: number=4"],
    ]


def test_a_skip_is_the_whole_test_s() -> None:
    """As where ``--fast`` ends a test that starts a process."""

    @each_row("number", [1, 2])
    def test(number: int) -> None:
        pytest.skip(str(number))

    with pytest.raises(pytest.skip.Exception, match="1"):
        test()


def test_a_table_without_rows_and_a_row_of_another_width_are_mistakes() -> None:
    with pytest.raises(AssertionError, match="tests nothing"):
        each_row("a", [])

    @each_row("a, b", [(1, 2, 3)])
    def test(a: int, b: int) -> None: ...

    with pytest.raises(ValueError, match="zip"):
        test()
