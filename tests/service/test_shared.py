"""Two processes on one PostgreSQL database: keys, destructive signatures and events are the database's."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.auth.keyring import add_key, client_with, error_of, manage, until
from tests.service.calls import send, signed
from tests.service.http.test_app import opt_out
from tests.service.running import Service, thread
from voiceid_optout.service.settings import EventSinks

Pair = tuple[Service, Service]


@pytest.fixture
def pair(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    monkeypatch.setenv("OPTOUT_DATABASE", database_url)  # for `optout serve keys`
    events = EventSinks(file=tmp_path / "events.jsonl")
    with (
        thread(tmp_path / "first", database=database_url, events=events) as first,
        thread(tmp_path / "second", database=database_url, events=events) as second,
    ):
        yield first, second


def test_a_key_added_and_revoked_counts_at_both(pair: Pair) -> None:
    first, second = pair
    keys = add_key(first, "read")
    until(lambda: error_of(second, keys) == "")
    manage(second, "revoke", keys[0])
    until(lambda: error_of(first, keys) == error_of(second, keys) == "UnrecognizedClientException")


def test_a_folder_s_own_key_is_for_its_process_alone(pair: Pair) -> None:
    first, second = pair
    assert error_of(first, first.keys()) == ""
    assert error_of(second, first.keys()) == "UnrecognizedClientException"


def test_a_delete_seen_by_one_is_known_to_the_other(pair: Pair) -> None:
    first, second = pair
    keys = add_key(first, "admin")
    until(lambda: error_of(second, keys) == "")
    domain = first.new_domain()
    body = opt_out(domain)
    opting = signed(first, body, keys=keys)
    made = send(first, opting, body)
    # Whoever captured it sends it to the other process, with the Host that was signed.
    assert send(second, opting, body).body == made.body
    headers = signed(first, body, target="VoiceID.DeleteSpeaker", keys=keys)
    assert send(first, headers, body).status == 200
    assert send(second, opting, body).document["ConflictType"] == "CONCURRENT_CHANGES"
    second.seed(domain, "caller-1", "OPTED_OUT")
    assert send(second, headers, body).status == 200
    found = client_with(second, keys).describe_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]
    assert found["Status"] == "OPTED_OUT"


def test_events_of_both_arrive_once(pair: Pair, tmp_path: Path) -> None:
    domain = pair[0].new_domain()
    made = {
        service.client().opt_out_speaker(DomainId=domain, SpeakerId=f"caller-{turn}-{number}")["Speaker"][
            "GeneratedSpeakerId"
        ]
        for number in range(10)
        for turn, service in enumerate(pair)
    }
    path = tmp_path / "events.jsonl"
    until(lambda: path.exists() and len(path.read_text().splitlines()) >= 20)
    lines = path.read_text().splitlines()
    assert len(lines) == 20
    assert {json.loads(line)["detail"]["generatedSpeakerId"] for line in lines} == made
