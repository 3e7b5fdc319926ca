import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tables import each_row
from tests.voiceid.fixtures import ManualClock
from tests.voiceid.throttling import busy
from voiceid_optout.voiceid import (
    ConcurrentChanges,
    CredentialsRejected,
    EndpointUnreachable,
    ServiceFault,
    SignatureRejected,
    Throttled,
    UnexpectedAnswer,
    UnknownDomain,
    VoiceIdError,
)
from voiceid_optout.voiceid.pacing import (
    CONFLICT_TRIES,
    LONGEST_BACKOFF,
    LOWEST,
    SIGNATURE_TRIES,
    THROTTLE_TRIES,
    TRANSPORT_ROUNDS,
    Bucket,
    Pacer,
    Retries,
    wait_message,
    wait_reason,
)
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


def run(bucket: Bucket, start: float, seconds: float) -> list[float]:
    """Ask without pause for some seconds; return when calls were granted."""
    now = start
    granted: list[float] = []
    while now < start + seconds:
        wait = bucket.take(now)
        if wait == 0:
            granted.append(now)
        now += wait
    return granted


def most_in_a_second(granted: list[float]) -> int:
    return max(sum(start <= t <= start + 1 for t in granted) for start in granted)


@given(
    quota=st.sampled_from([1.0, 2.0, 2.5, 5.0, 7.0, 10.0, 33.0]),
    pauses=st.lists(st.one_of(st.just(0.0), st.floats(0, 3)), min_size=1, max_size=150),
)
def test_no_second_ever_holds_more_than_the_quota(quota: float, pauses: list[float]) -> None:
    bucket, now = Bucket(quota), 0.0
    granted: list[float] = []
    for pause in pauses:
        now += pause
        while (wait := bucket.take(now)) > 0:
            now += wait
        granted.append(now)
    assert most_in_a_second(granted) <= quota


def test_a_long_run_uses_the_quota() -> None:
    assert 100 <= len(run(Bucket(10), 0, 10)) <= 105


def test_a_small_burst_goes_at_once() -> None:
    bucket = Bucket(10)
    assert [bucket.take(5.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(5.0) > 0


def test_a_whole_quota_goes_at_once_if_that_is_the_burst() -> None:
    bucket = Bucket(5, burst=1.0)
    assert [bucket.take(5.0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(5.0) > 1


def test_a_quota_below_one_a_second() -> None:
    assert run(Bucket(0.5), 0, 7) == [0.0, 2.0, 4.0, 6.0]


def test_a_throttle_cuts_the_rate_until_it_recovers() -> None:
    bucket = Bucket(10)
    run(bucket, 0, 5)
    bucket.throttled(5.0, 0)
    assert bucket.rate == pytest.approx(7)
    run(bucket, 6, 60)
    assert 9.5 < bucket.rate <= 10


def test_the_quota_is_granted_again_once_the_rate_has_recovered() -> None:
    bucket = Bucket(10)
    bucket.throttled(5.0, 0)
    run(bucket, 6, 60)
    assert 97 <= len(run(bucket, 100, 10)) <= 105


def test_throttles_of_calls_in_flight_count_once() -> None:
    bucket = Bucket(10)
    for at in (0.0, 0.1, 0.2):
        bucket.throttled(at, 0)
    assert bucket.rate == pytest.approx(7)


def test_throttles_one_after_the_other_cut_deeper() -> None:
    bucket = Bucket(10)
    bucket.throttled(0.0, 0)
    bucket.throttled(2.0, 0)
    assert bucket.rate == pytest.approx(3.5)


def test_throttles_push_to_a_floor_and_no_further() -> None:
    bucket = Bucket(10)
    for at in range(0, 40, 2):
        bucket.throttled(float(at), 0)
    assert bucket.rate == 10 * LOWEST


@pytest.mark.costly
@each_row("latency", [0.005, 0.2])
@each_row(
    ("quota", "allowed"),
    [
        pytest.param(quota, share * quota, id=f"{share:.0%} of {quota:.0f} a second")
        for quota in (2.0, 5.0, 10.0, 100.0)
        for share in (0.9, 0.7, 0.5)
    ],
)
def test_one_call_in_a_hundred_is_throttled_at_most(quota: float, allowed: float, latency: float) -> None:
    run = busy(Bucket(quota), lambda _: allowed, latency=latency, calls=int(max(2000, 60 * quota)))
    assert 0 < run.throttled < run.sent / 100
    assert run.calls / run.seconds > 0.85 * allowed


@pytest.mark.costly
@each_row("period", [10, 30, 120])
def test_one_in_a_hundred_also_when_others_come_and_go(period: int) -> None:
    run = busy(Bucket(10), lambda now: 5.0 if int(now / period) % 2 else 10.0, latency=0.2, calls=3000)
    assert 0 < run.throttled < run.sent / 100


@each_row("quota", [2.0, 5.0, 10.0, 100.0])
def test_no_call_is_throttled_where_the_quota_is_allowed(quota: float) -> None:
    run = busy(Bucket(quota), lambda _: quota, latency=0.2, calls=int(60 * quota))
    assert run.throttled == 0
    assert run.seconds < 1.01 * 60 + 0.2


def test_retry_after_closes_the_bucket() -> None:
    bucket = Bucket(10)
    bucket.throttled(100.0, 7.5)
    assert bucket.take(100.0) == 7.5
    assert bucket.take(107.5) == 0


def delays(error: VoiceIdError, *, answered: bool = False) -> list[float]:
    retries = Retries(random.Random(7), answered=answered)
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


def test_faults_on_the_way_are_given_more_time_where_there_was_an_answer() -> None:
    for error in (EndpointUnreachable("x"), ServiceFault("x"), UnexpectedAnswer("x")):
        assert delays(error) == []
        assert len(delays(error, answered=True)) == TRANSPORT_ROUNDS - 1


def test_a_signature_may_be_refused_for_a_moment() -> None:
    assert len(delays(SignatureRejected("x"))) == SIGNATURE_TRIES - 1
    assert delays(CredentialsRejected("x")) == []


def test_nothing_else_is_tried_again() -> None:
    assert delays(UnknownDomain("x")) == []


def test_an_announcement_is_known_again() -> None:
    said = wait_message("OptOutSpeaker", 12.4)
    assert said == "Voice ID: OptOutSpeaker waits for its quota, another 12 s"
    assert wait_reason(f"{said}\n") == "OptOutSpeaker waits for its quota"


@each_row("message", ["", "Voice ID: OptOutSpeaker is refused", "OptOutSpeaker waits for its quota"])
def test_anything_else_is_none(message: str) -> None:
    assert wait_reason(message) is None
