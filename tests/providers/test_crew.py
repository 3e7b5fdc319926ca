import threading
from collections.abc import Callable

import pytest

from voiceid_optout.providers.crew import Crew
from voiceid_optout.voiceid import QuotaExceeded, RequestInvalid

PATIENCE = 600


def failing(*numbers: int, error: Exception) -> Callable[[int], int]:
    def work(number: int) -> int:
        if number in numbers:
            raise error
        return -number

    return work


def test_every_item_is_worked_on_once() -> None:
    done = Crew(4).each(lambda number: -number, range(1000))
    assert sorted(done.results) == [(number, -number) for number in range(1000)]
    assert (done.failures, done.left) == ([], 0)


def test_nothing_to_do() -> None:
    assert Crew(4).each(lambda _: pytest.fail("called"), []).results == []


def test_work_is_done_at_the_same_time() -> None:
    barrier = threading.Barrier(8, timeout=PATIENCE)
    assert len(Crew(8).each(lambda _: barrier.wait(), range(8)).results) == 8


def test_several_callers_share_the_threads() -> None:
    crew = Crew(2)
    results: list[int] = []

    def call() -> None:
        results.append(len(crew.each(lambda number: number, range(100)).results))

    callers = [threading.Thread(target=call) for _ in range(5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(PATIENCE)
    assert results == [100] * 5


def test_a_failure_about_one_person_stops_nobody_else() -> None:
    error = RequestInvalid("no")
    done = Crew(4).each(failing(3, 70, error=error), range(100))
    assert sorted(done.failures) == [(3, error), (70, error)]
    assert len(done.results) == 98
    assert done.left == 2


def test_any_other_failure_lets_nothing_further_begin() -> None:
    done = Crew(1).each(failing(3, error=QuotaExceeded("full")), range(100))
    assert [item for item, _ in done.results] == [0, 1, 2]
    assert [item for item, _ in done.failures] == [3]
    assert (done.untouched, done.left) == (96, 97)


def test_what_nobody_foresaw_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        Crew(2).each(lambda number: 1 // number, range(100))
