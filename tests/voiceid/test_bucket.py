from hypothesis import given
from hypothesis import strategies as st

from optout.voiceid.bucket import LOWEST, RECOVERY, Bucket


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
    assert 97 <= len(run(Bucket(10), 0, 10)) <= 101


def test_a_small_burst_goes_at_once() -> None:
    bucket = Bucket(10)
    assert [bucket.take(5.0) for _ in range(2)] == [0.0, 0.0]
    assert bucket.take(5.0) > 0


def test_a_quota_below_one_a_second() -> None:
    assert run(Bucket(0.5), 0, 7) == [0.0, 2.0, 4.0, 6.0]


def test_a_throttle_halves_the_rate_until_it_recovers() -> None:
    bucket = Bucket(10)
    run(bucket, 0, 5)
    bucket.throttled(5.0, 0)
    assert 4 <= len(run(bucket, 6, 1)) <= 5
    assert bucket.share(5 + RECOVERY - 0.1) == 0.5
    assert bucket.share(5 + RECOVERY) == 1


def test_throttles_of_calls_in_flight_count_once() -> None:
    bucket = Bucket(10)
    for at in (0.0, 0.1, 0.2):
        bucket.throttled(at, 0)
    assert bucket.share(0.3) == 0.5


def test_throttles_push_to_a_floor_and_no_further() -> None:
    bucket = Bucket(10)
    for at in range(0, 40, 2):
        bucket.throttled(float(at), 0)
    assert bucket.share(39.0) == LOWEST


def test_retry_after_closes_the_bucket() -> None:
    bucket = Bucket(10)
    bucket.throttled(100.0, 7.5)
    assert bucket.take(100.0) == 7.5
    assert bucket.take(107.5) == 0
