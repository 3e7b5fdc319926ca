import pytest
import urllib3
from urllib3.exceptions import MaxRetryError

from voiceid_optout.forge.patience import Patience, PatientRetry


def asking(retry_after: str | None) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(status=403, headers={} if retry_after is None else {"Retry-After": retry_after})


def test_a_copy_is_as_patient() -> None:
    retries = PatientRetry.of(Patience(tries=3, longest_wait=7.0))
    assert retries.new().patience.longest_wait == 7.0
    assert retries.increment("GET", "/", asking("7")).total == 2


def test_a_wait_beyond_patience_ends_it() -> None:
    pool = urllib3.HTTPConnectionPool("localhost")
    with pytest.raises(MaxRetryError):
        PatientRetry.of(Patience(longest_wait=7.0)).increment("GET", "/", asking("8"), _pool=pool)


def test_a_wait_in_words_nobody_understands_is_none() -> None:
    assert PatientRetry.of(Patience()).get_retry_after(asking("soon")) is None


@pytest.mark.parametrize(("asked", "said"), [("4", ["waiting 4 s, as GitHub asks"]), ("2", []), (None, [])])
def test_waits_people_would_notice_are_said(
    asked: str | None, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    waits: list[str] = []
    PatientRetry.of(Patience(say=waits.append)).sleep_for_retry(asking(asked))
    assert waits == said
    assert slept == ([float(asked)] if asked else [])
    PatientRetry.of(Patience()).sleep_for_retry(asking(asked))
    assert waits == said


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_every_method_is_tried_again(method: str) -> None:
    retries = PatientRetry.of(Patience())
    assert retries.is_retry(method, 502)
    assert retries.is_retry(method, 403, has_retry_after=True)
    assert not retries.is_retry(method, 403)
    assert not retries.is_retry(method, 422, has_retry_after=True)
