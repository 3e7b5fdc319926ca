import json
from pathlib import Path

import pytest

from tests.forge.fake import TOKEN
from voiceid_optout.forge.errors import SettingsInvalid
from voiceid_optout.forge.settings import Event, Settings, commit, run_url

GOOD = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "example/register"}


def test_a_workflow_s_variables_are_enough() -> None:
    settings = Settings.resolve(GOOD)
    assert settings.api_url == "https://api.github.com"
    assert settings.graphql_url == "https://api.github.com/graphql"
    assert settings.repository == "example/register"
    assert TOKEN not in repr(settings)


def test_an_enterprise_server_has_graphql_beside_its_rest_api() -> None:
    settings = Settings.resolve({**GOOD, "GITHUB_API_URL": "https://forge.example.org/api/v3/"})
    assert settings.api_url == "https://forge.example.org/api/v3"
    assert settings.graphql_url == "https://forge.example.org/api/graphql"


def test_an_option_wins_over_the_variable() -> None:
    assert Settings.resolve(GOOD, "other/place").repository == "other/place"


@pytest.mark.parametrize(
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
    with pytest.raises(SettingsInvalid) as caught:
        Settings.resolve({**GOOD, **changed})
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
    with pytest.raises(SettingsInvalid, match="pass --pr NUMBER"):
        event(tmp_path, "{")
    with pytest.raises(SettingsInvalid, match="pass --pr NUMBER"):
        Event.read({"GITHUB_EVENT_PATH": str(tmp_path / "missing")})


def test_the_run_s_address_needs_all_of_its_parts() -> None:
    parts = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "5"}
    assert run_url(parts) == "https://github.com/a/b/actions/runs/5"
    for name in parts:
        assert run_url({**parts, name: ""}) is None


def test_a_commit_is_named_in_full() -> None:
    assert commit("A" * 40) == "a" * 40
    with pytest.raises(SettingsInvalid, match="full commit id"):
        commit("abc1234")
