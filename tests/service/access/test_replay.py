"""The memory of signatures, with a clock of the test's own."""

import hashlib
import itertools
import random
import tracemalloc

import pytest

from voiceid_optout.service.access.replay import ReplayMemory

WINDOW = 900.0
START = 1_800_000_000


def signature(number: object) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_the_first_time_is_taken_and_so_is_an_immediate_repeat() -> None:
    memory = ReplayMemory(WINDOW)
    assert memory.first_use(START, signature(1), START)
    assert memory.first_use(START, signature(1), START + 4.9)
    assert not memory.first_use(START, signature(1), START + 5.1)


@pytest.mark.parametrize("late", [6, 60, 600, 899])
def test_a_late_repeat_is_known_for_the_whole_window(late: int) -> None:
    memory = ReplayMemory(WINDOW)
    assert memory.first_use(START, signature(1), START)
    for second in range(1, late):
        memory.first_use(START + second, signature(("other", second)), START + second)
    assert not memory.first_use(START, signature(1), START + late)


def test_a_request_dated_ahead_is_remembered_until_its_date_is_too_old() -> None:
    memory = ReplayMemory(WINDOW)
    assert memory.first_use(START + 800, signature(1), START)
    assert not memory.first_use(START + 800, signature(1), START + 1600)


def test_one_that_comes_late_to_a_packed_second_is_remembered_too() -> None:
    memory = ReplayMemory(WINDOW)
    memory.first_use(START, signature(1), START)
    memory.first_use(START + 30, signature(2), START + 30)
    assert memory.first_use(START, signature(3), START + 40)
    memory.first_use(START + 60, signature(4), START + 60)
    assert not memory.first_use(START, signature(3), START + 61)
    assert not memory.first_use(START, signature(1), START + 61)


def test_what_is_too_old_is_forgotten() -> None:
    memory = ReplayMemory(WINDOW)
    for second in range(3000):
        memory.first_use(START + second, signature(second), START + second)
    assert len(memory) <= WINDOW + 3


def test_a_full_memory_takes_nothing_as_old_as_what_it_forgot() -> None:
    memory = ReplayMemory(WINDOW, limit=100)
    for second in range(200):
        assert memory.first_use(START + second, signature(second), START + second)
    assert len(memory) < 130
    assert not memory.first_use(START, signature(0), START + 200)
    assert not memory.first_use(START, signature("new"), START + 200)
    assert memory.first_use(START + 199, signature("also new"), START + 200)


def test_it_agrees_with_a_plain_memory() -> None:
    source = random.Random(1)  # repeatable
    memory, first = ReplayMemory(WINDOW), dict[tuple[int, str], float]()
    now = float(START)
    for _ in range(20_000):
        now += source.expovariate(50)
        dated = int(now) - source.choice((0, 0, 0, 1, 30, 400))
        text = signature(source.randrange(3000))
        seen = first.setdefault((dated, text), now)
        assert memory.first_use(dated, text, now) == (now - seen <= 5.0)


def test_a_signature_takes_few_bytes() -> None:
    count, memory = 50_000, ReplayMemory(WINDOW)
    texts = map(signature, itertools.count())
    tracemalloc.start()
    for number in range(count):
        memory.first_use(START + number // 5000, next(texts), START + number / 5000)
    memory.first_use(START + 60, next(texts), START + 60)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / count < 12
