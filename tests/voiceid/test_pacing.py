import threading

from tests.voiceid.fixtures import ManualClock
from voiceid_optout.voiceid.pacing import Pacer
from voiceid_optout.voiceid.settings import Quotas


def make(clock: ManualClock, **quotas: float) -> tuple[Pacer, list[tuple[str, float]]]:
    said: list[tuple[str, float]] = []
    return Pacer(Quotas(**quotas), clock, lambda *what: said.append(what), long_wait=3.0), said


def test_operations_do_not_wait_for_each_other(clock: ManualClock) -> None:
    pacer, _ = make(clock, opt_out=1, describe=1)
    assert pacer.acquire("OptOutSpeaker")
    assert pacer.acquire("DescribeSpeaker")
    assert clock.slept == []


def test_a_second_call_waits(clock: ManualClock) -> None:
    pacer, said = make(clock, delete=1)
    for _ in range(3):
        pacer.acquire("DeleteSpeaker")
    assert clock.now() >= 1002
    assert said == []


def test_a_long_wait_is_said_once(clock: ManualClock) -> None:
    pacer, said = make(clock, list=0.1)
    for _ in range(4):
        pacer.acquire("ListSpeakers")
    assert said == [("ListSpeakers", 10.0)]


def test_it_is_said_again_after_a_while(clock: ManualClock) -> None:
    pacer, said = make(clock, list=0.01)
    for _ in range(3):
        pacer.acquire("ListSpeakers")
    assert len(said) == 2


def test_a_wait_ends_when_the_call_is_not_needed(clock: ManualClock) -> None:
    pacer, _ = make(clock, describe=0.01)
    assert pacer.acquire("DescribeSpeaker", lambda: False)
    assert not pacer.acquire("DescribeSpeaker", lambda: clock.now() > 1001)
    assert clock.now() < 1002


def test_a_throttle_slows_the_next_call(clock: ManualClock) -> None:
    pacer, _ = make(clock, opt_out=10)
    pacer.acquire("OptOutSpeaker")
    pacer.throttled("OptOutSpeaker", 4.0)
    pacer.acquire("OptOutSpeaker")
    assert clock.now() == 1004


def test_threads_share_a_bucket(clock: ManualClock) -> None:
    pacer, _ = make(clock, opt_out=10)
    threads = [threading.Thread(target=pacer.acquire, args=("OptOutSpeaker",)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.now() >= 1003
