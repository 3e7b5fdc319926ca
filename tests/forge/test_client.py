import socket

import pytest
import urllib3
from urllib3.exceptions import MaxRetryError

from tests.forge.conftest import Connect
from tests.forge.fake import BOT, TOKEN, Answer, Fake
from voiceid_optout.forge import errors
from voiceid_optout.forge.client import GitHub, PacedRetry, RetryPolicy
from voiceid_optout.forge.errors import Purpose
from voiceid_optout.forge.settings import Settings

PURPOSE = Purpose("reading", "pull request 7", "pull-requests: write")
LIST = "/issues/7/comments"


def test_a_list_is_read_to_its_last_page(forge: Fake, github: GitHub) -> None:
    forge.add_pull()
    for number in range(250):
        forge.add_comment(7, f"comment {number}")
    assert [item["body"] for item in github.items(LIST, PURPOSE)] == [f"comment {n}" for n in range(250)]
    assert len(forge.calls) == 3, "as many a page as the API allows"


def test_the_token_s_owner_is_asked_for_once(forge: Fake, github: GitHub) -> None:
    assert (github.login(), github.login()) == (BOT, BOT)
    assert forge.calls == [("POST", "/graphql")]


def test_an_owner_that_is_not_told_is_an_error(forge: Fake, github: GitHub) -> None:
    forge.trouble = [Answer(200, {"data": {"viewer": None}})]
    with pytest.raises(errors.UnexpectedAnswer, match="whose token"):
        github.login()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(forge: Fake, github: GitHub, status: int) -> None:
    forge.add_pull()
    forge.trouble = [Answer(status)]
    assert list(github.items(LIST, PURPOSE)) == []
    assert len(forge.calls) == 2


def test_a_lasting_failure_is_reported(forge: Fake, github: GitHub) -> None:
    forge.trouble = [Answer(502, b"<html>bad gateway")] * 9
    with pytest.raises(errors.ServiceFailed, match="HTTP 502 while reading"):
        list(github.items(LIST, PURPOSE))
    assert len(forge.calls) == 3


@pytest.mark.parametrize("status", [403, 429])
def test_a_short_wait_that_the_forge_asks_for_is_kept(forge: Fake, github: GitHub, status: int) -> None:
    forge.add_pull()
    forge.trouble = [Answer(status, {"message": "secondary rate limit"}, {"Retry-After": "0"})]
    assert list(github.items(LIST, PURPOSE)) == []
    assert len(forge.calls) == 2


def test_a_long_wait_is_refused_at_once(forge: Fake, github: GitHub) -> None:
    forge.trouble = [Answer(429, {"message": "secondary rate limit"}, {"Retry-After": "3600"})]
    with pytest.raises(errors.RateLimited, match="asks to wait 3,600 s"):
        list(github.items(LIST, PURPOSE))
    assert len(forge.calls) == 1


def test_a_refusal_is_not_tried_again(forge: Fake, github: GitHub) -> None:
    forge.trouble = [Answer(403, {"message": "Resource not accessible by integration"})]
    with pytest.raises(errors.NotPermitted, match="Resource not accessible by integration"):
        list(github.items(LIST, PURPOSE))
    assert len(forge.calls) == 1


def test_a_wrong_token_is_not_shown(forge: Fake, connect: Connect) -> None:
    with pytest.raises(errors.NotAuthenticated) as caught:
        connect(GITHUB_TOKEN="wrong-and-secret").login()
    assert "wrong-and-secret" not in str(caught.value)
    assert TOKEN not in repr(connect().__dict__["_settings"])


def test_nobody_answers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        settings = Settings.resolve(
            {"GITHUB_API_URL": url, "GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "example/register"}
        )
        with (
            GitHub(settings, RetryPolicy(tries=1, first_wait=0.0)) as github,
            pytest.raises(errors.Unreachable, match="while reading: new connection error"),
        ):
            github.call("GET", LIST, PURPOSE)


@pytest.mark.parametrize("page", [{"message": "hello"}, ["text"], None])
def test_what_is_no_list_is_no_empty_list(forge: Fake, github: GitHub, page: object) -> None:
    forge.trouble = [Answer(200, page)]
    with pytest.raises(errors.UnexpectedAnswer, match="no list came back"):
        list(github.items(LIST, PURPOSE))


def test_the_token_follows_no_link_to_another_host(forge: Fake, github: GitHub) -> None:
    forge.trouble = [Answer(200, [], {"Link": '<https://elsewhere.example.org/?page=2>; rel="next"'})]
    with pytest.raises(errors.UnexpectedAnswer, match="another host"):
        list(github.items(LIST, PURPOSE))


def test_links_without_a_next_page_end_the_list(forge: Fake, github: GitHub) -> None:
    forge.trouble = [Answer(200, [{"id": 1}], {"Link": f'<{forge.url}/x>; rel="prev"'})]
    assert list(github.items(LIST, PURPOSE)) == [{"id": 1}]


def test_pages_that_go_in_circles_end(forge: Fake, github: GitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voiceid_optout.forge.client._MOST_PAGES", 3)
    forge.trouble = [Answer(200, [], {"Link": f'<{forge.url}/again>; rel="next"'})] * 9
    with pytest.raises(errors.UnexpectedAnswer, match="do not end"):
        list(github.items(LIST, PURPOSE))


def test_a_proxy_that_the_environment_names_is_used(
    forge: Fake, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", forge.url)
    monkeypatch.setenv("no_proxy", "")
    forge.trouble = [Answer(200, {"data": {"viewer": {"login": "through the proxy"}}})]
    github = connect(GITHUB_API_URL="http://localhost:9", GITHUB_GRAPHQL_URL="http://localhost:9/graphql")
    assert github.login() == "through the proxy"


def asking(retry_after: str | None) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(status=403, headers={} if retry_after is None else {"Retry-After": retry_after})


def test_a_copy_is_as_patient() -> None:
    retries = PacedRetry.of(RetryPolicy(tries=3, longest_wait=7.0))
    assert retries.new().retry_policy.longest_wait == 7.0
    assert retries.increment("GET", "/", asking("7")).total == 2


def test_a_wait_beyond_patience_ends_it() -> None:
    pool = urllib3.HTTPConnectionPool("localhost")
    with pytest.raises(MaxRetryError):
        PacedRetry.of(RetryPolicy(longest_wait=7.0)).increment("GET", "/", asking("8"), _pool=pool)


def test_a_wait_in_words_nobody_understands_is_none() -> None:
    assert PacedRetry.of(RetryPolicy()).get_retry_after(asking("soon")) is None


@pytest.mark.parametrize(("asked", "said"), [("4", ["waiting 4 s, as GitHub asks"]), ("2", []), (None, [])])
def test_waits_people_would_notice_are_said(
    asked: str | None, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    waits: list[str] = []
    PacedRetry.of(RetryPolicy(say=waits.append)).sleep_for_retry(asking(asked))
    assert waits == said
    assert slept == ([float(asked)] if asked else [])
    PacedRetry.of(RetryPolicy()).sleep_for_retry(asking(asked))
    assert waits == said


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_every_method_is_tried_again(method: str) -> None:
    retries = PacedRetry.of(RetryPolicy())
    assert retries.is_retry(method, 502)
    assert retries.is_retry(method, 403, has_retry_after=True)
    assert not retries.is_retry(method, 403)
    assert not retries.is_retry(method, 422, has_retry_after=True)
