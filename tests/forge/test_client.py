import json
import socket
from pathlib import Path

import pytest
import urllib3
from urllib3.exceptions import MaxRetryError

from tests.forge.conftest import Connect
from tests.forge.fake import BOT, TOKEN, Answer, Fake
from tests.tables import each_row
from voiceid_optout import forge as errors
from voiceid_optout.forge import CallPurpose, OptionInvalid
from voiceid_optout.forge.client import Event, GitHub, GitHubSettings, PacedRetry, RetryPolicy, commit, run_url

PURPOSE = CallPurpose("reading", "pull request 7", "pull-requests: write")
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
        settings = GitHubSettings.resolve(
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


def test_a_wait_longer_than_the_limit_ends_it() -> None:
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


@each_row("method", ["GET", "POST", "PATCH", "DELETE"])
def test_every_method_is_tried_again(method: str) -> None:
    retries = PacedRetry.of(RetryPolicy())
    assert retries.is_retry(method, 502)
    assert retries.is_retry(method, 403, has_retry_after=True)
    assert not retries.is_retry(method, 403)
    assert not retries.is_retry(method, 422, has_retry_after=True)


GOOD = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "example/register"}


def test_a_workflow_s_variables_are_enough() -> None:
    settings = GitHubSettings.resolve(GOOD)
    assert settings.api_url == "https://api.github.com"
    assert settings.graphql_url == "https://api.github.com/graphql"
    assert settings.repository == "example/register"
    assert TOKEN not in repr(settings)


def test_an_enterprise_server_has_graphql_beside_its_rest_api() -> None:
    settings = GitHubSettings.resolve({**GOOD, "GITHUB_API_URL": "https://forge.example.org/api/v3/"})
    assert settings.api_url == "https://forge.example.org/api/v3"
    assert settings.graphql_url == "https://forge.example.org/api/graphql"


def test_an_option_wins_over_the_variable() -> None:
    assert GitHubSettings.resolve(GOOD, "other/place").repository == "other/place"


@each_row(
    ("changed", "said"),
    [
        ({"GITHUB_TOKEN": ""}, "no GITHUB_TOKEN: in a workflow, set `env: GITHUB_TOKEN: ${{ github.token }}`"),
        ({"GITHUB_TOKEN": "plan\nted"}, "GITHUB_TOKEN is no token"),
        ({"GITHUB_TOKEN": "plan ted"}, "GITHUB_TOKEN is no token"),
        ({"GITHUB_TOKEN": "plänted"}, "GITHUB_TOKEN is no token"),
        ({"GITHUB_REPOSITORY": ""}, "as owner/name"),
        ({"GITHUB_REPOSITORY": "a/b/../c"}, "as owner/name"),
        ({"GITHUB_API_URL": "http://forge.example.org"}, "GITHUB_API_URL is no https URL"),
        ({"GITHUB_API_URL": "https://[half"}, "GITHUB_API_URL is no https URL"),
        ({"GITHUB_API_URL": "https://user:word@forge.example.org"}, "GITHUB_API_URL is no https URL"),
        ({"GITHUB_GRAPHQL_URL": "ftp://forge.example.org"}, "GITHUB_GRAPHQL_URL is no https URL"),
    ],
)
def test_what_is_wrong_is_named_and_the_token_is_not(changed: dict[str, str], said: str) -> None:
    with pytest.raises(OptionInvalid) as caught:
        GitHubSettings.resolve({**GOOD, **changed})
    assert said in str(caught.value)
    for secret in (TOKEN, "ted", "word"):
        assert secret not in str(caught.value)


def event(folder: Path, content: object) -> Event:
    path = folder / "event.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return Event.read({"GITHUB_EVENT_PATH": str(path)})


def test_the_event_names_the_pull_request_and_the_commit_people_see(tmp_path: Path) -> None:
    found = event(tmp_path, {"pull_request": {"number": 7, "head": {"sha": "a" * 40}}})
    assert found == Event(7, "a" * 40)


@pytest.mark.parametrize(
    "content", [{}, [], {"pull_request": None}, {"pull_request": {"number": "7", "head": {"sha": 7}}}]
)
def test_other_events_have_no_pull_request(tmp_path: Path, content: object) -> None:
    assert event(tmp_path, content) == Event()
    assert Event.read({}) == Event()


def test_an_event_file_that_is_none_is_reported(tmp_path: Path) -> None:
    with pytest.raises(OptionInvalid, match="pass --pr NUMBER"):
        event(tmp_path, "{")
    with pytest.raises(OptionInvalid, match="pass --pr NUMBER"):
        Event.read({"GITHUB_EVENT_PATH": str(tmp_path / "missing")})


def test_the_run_s_address_needs_all_of_its_parts() -> None:
    parts = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "5"}
    assert run_url(parts) == "https://github.com/a/b/actions/runs/5"
    for name in parts:
        assert run_url({**parts, name: ""}) is None


def test_a_commit_is_named_in_full() -> None:
    assert commit("A" * 40) == "a" * 40
    with pytest.raises(OptionInvalid, match="full commit id"):
        commit("abc1234")
