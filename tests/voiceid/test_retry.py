import random

from voiceid_optout.voiceid import ConcurrentChanges, Throttled, UnknownDomain, VoiceIdError
from voiceid_optout.voiceid.retry import CONFLICT_TRIES, LONGEST_BACKOFF, THROTTLE_TRIES, Retries


def delays(error: VoiceIdError) -> list[float]:
    retries = Retries(random.Random(7))
    taken = []
    while (delay := retries.delay(error)) is not None:
        taken.append(delay)
    return taken


def test_concurrent_changes_back_off_with_jitter() -> None:
    taken = delays(ConcurrentChanges("x"))
    assert len(taken) == CONFLICT_TRIES - 1
    assert len(set(taken)) == len(taken)
    assert all(0.05 <= delay <= LONGEST_BACKOFF for delay in taken)


def test_throttles_leave_the_waiting_to_the_bucket() -> None:
    assert delays(Throttled("x")) == [0.0] * (THROTTLE_TRIES - 1)


def test_nothing_else_is_tried_again() -> None:
    assert delays(UnknownDomain("x")) == []
