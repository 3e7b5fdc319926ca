"""Services that share a database, as real processes: what races ends as if one had come after the other."""

import itertools
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.service.auth.keyring import add_key, error_of, until
from tests.service.calls import send, signed
from tests.service.crowd import listed
from tests.service.http.test_app import opt_out
from tests.service.running import TIMEOUT, Service, child, thread
from voiceid_optout.service.settings import Limits

PEOPLE = 20


@pytest.fixture
def pair(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Service, Service]]:
    """Two processes on one database."""
    monkeypatch.setenv("OPTOUT_DATABASE", database_url)  # for `optout serve keys`
    with (
        child(tmp_path / "one", "--database", database_url) as one,
        child(tmp_path / "two", "--database", database_url) as two,
    ):
        yield one, two


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make the calls at the same moment; return what each gave, or the code and details of its error."""
    together = threading.Barrier(len(calls))

    def make(call: Callable[[], Any]) -> Any:
        together.wait(TIMEOUT)
        try:
            return call()
        except ClientError as error:
            return error.response["Error"]["Code"], error.response.get("ConflictType")

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


GONE: Any = ("ResourceNotFoundException", None)
RACED: Any = ("ConflictException", "CONCURRENT_CHANGES")


def explanations(raced: list[str], before: tuple[str, str] | None) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield what each call gives, and the end, in every order. A state is (status, id); new ids are "new0", ..."""
    for order in itertools.permutations(raced):
        state: Any = before
        given: dict[str, Any] = {}
        made = itertools.count()
        for step in order:
            if step == "delete":
                given[step] = GONE if state is None else None
                state = None
            else:
                status = {"opt out": "OPTED_OUT", "enrol": "ENROLLED"}[step]
                state = (status, state[1] if state else f"new{next(made)}")
                given[step] = state
        yield given, state


def named(seen: dict[str, Any], end: Any, before: tuple[str, str] | None) -> list[tuple[dict[str, Any], Any]]:
    """Return what was seen with new ids by their names; every assignment of names, since the order is not known."""
    found = {state[1] for state in (*seen.values(), end) if state is not None and state != GONE}
    new = sorted(found - ({before[1]} if before else set()))

    def name(state: Any, names: dict[str, str]) -> Any:
        return state if state in (None, GONE) else (state[0], names.get(state[1], state[1]))

    return [
        ({step: name(state, dict(names)) for step, state in seen.items()}, name(end, dict(names)))
        for numbers in itertools.permutations(range(len(new)))
        for names in [[(new[place], f"new{number}") for place, number in enumerate(numbers)]]
    ]


def test_an_opt_out_a_deletion_and_an_enrolment_of_one_person(
    pair: tuple[Service, Service], database_url: str
) -> None:
    one, two = pair
    domain = one.new_domain()
    clients = [one.client(), two.client()]
    for number in range(PEOPLE):
        person = f"caller-{number}"
        before = None
        if number % 2:
            before = ("ENROLLED", two.seed(domain, person, "ENROLLED")["GeneratedSpeakerId"])
        first, second = clients if number % 4 < 2 else clients[::-1]
        outcomes = at_once(
            lambda: first.opt_out_speaker(DomainId=domain, SpeakerId=person),  # noqa: B023  called within the turn
            lambda: second.delete_speaker(DomainId=domain, SpeakerId=person),  # noqa: B023
            lambda: one.seed(domain, person, "ENROLLED"),  # noqa: B023
        )
        seen: dict[str, Any] = {}
        for step, outcome in zip(("opt out", "delete", "enrol"), outcomes, strict=True):
            if outcome == RACED:
                continue
            if step == "delete":
                seen[step] = GONE if outcome == GONE else None
            else:
                speaker = outcome.get("Speaker", outcome)
                seen[step] = (speaker["Status"], speaker["GeneratedSpeakerId"])
        entry = listed(two, domain).get(person)
        end = (entry["Status"], entry["GeneratedSpeakerId"]) if entry else None
        possible = list(explanations(list(seen), before))
        assert any(told in possible for told in named(seen, end, before)), (seen, end, before)
    with psycopg.connect(database_url) as connection:
        counts = connection.execute(
            "SELECT speaker_count, (SELECT count(*) FROM speakers s WHERE s.domain_id = d.domain_id) FROM domains d"
        ).fetchall()
    assert [counted for counted, _ in counts] == [rows for _, rows in counts]


def test_a_signed_request_counts_once_at_two_processes(pair: tuple[Service, Service]) -> None:
    """Both get the same bytes at the same moment, and again after a newer request of the other kind."""
    one, two = pair
    keys = add_key(one, "admin")
    until(lambda: error_of(two, keys) == "")
    domain = one.new_domain()

    def sending(service: Service, operation: str, person: str) -> Callable[..., tuple[int, bytes]]:
        body = opt_out(domain, person)
        number = {"X-Test-Call": uuid.uuid4().hex}
        headers = signed(service, body, target=f"VoiceID.{operation}", keys=keys, extra=number)

        def to(target: Service) -> tuple[int, bytes]:
            answer = send(target, headers, body)
            return answer.status, answer.body

        return to

    for turn in range(4):
        person = f"caller-{turn}"
        opting, release = sending(one, "OptOutSpeaker", person), sending(two, "DeleteSpeaker", person)
        newer, last = sending(two, "OptOutSpeaker", person), sending(one, "DeleteSpeaker", person)
        made, again = at_once(lambda: opting(one), lambda: opting(two))  # noqa: B023  called within the turn
        assert made == again
        assert made[0] == 200
        assert at_once(lambda: release(one), lambda: release(two)) == [(200, b"")] * 2  # noqa: B023
        refused = [opting(target) for target in pair]
        assert [(status, json.loads(body)["ConflictType"]) for status, body in refused] == [
            (400, "CONCURRENT_CHANGES")
        ] * 2
        stands = newer(two)
        assert [release(target) for target in pair] == [(200, b"")] * 2
        assert [opting(target) for target in pair] == [stands] * 2
        assert at_once(lambda: last(one), lambda: last(two), lambda: release(one)) == [(200, b"")] * 3  # noqa: B023
        assert [json.loads(newer(target)[1])["ConflictType"] for target in pair] == ["CONCURRENT_CHANGES"] * 2
    assert listed(one, domain) == {}


def test_a_crowd_at_both_ends_is_listed_whole(pair: tuple[Service, Service]) -> None:
    """Each page is read while others write; who was there before the walk began must be met by it."""
    domain = pair[0].new_domain()
    clients = [service.client() for service in pair]
    stop = threading.Event()
    there: list[str] = []

    def write(worker: int) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            person = f"caller-{worker}-{number}"
            clients[worker % 2].opt_out_speaker(DomainId=domain, SpeakerId=person)
            there.append(person)

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, worker) for worker in range(8)]
        try:
            for number in range(10):
                before = set(there)
                pages = (
                    clients[number % 2]
                    .get_paginator("list_speakers")
                    .paginate(DomainId=domain, PaginationConfig={"PageSize": 20})
                )
                met = [entry["CustomerSpeakerId"] for page in pages for entry in page["SpeakerSummaries"]]
                assert before <= set(met)
                assert len(met) == len(set(met))
        finally:
            stop.set()
    assert [writer.result() for writer in writers] == [None] * 8
    assert set(listed(pair[0], domain)) == set(there)


@pytest.fixture
def limited(tmp_path: Path, database_url: str) -> Iterator[list[Any]]:
    """Clients of two services with small quotas."""
    limits = Limits(domains=2, speakers_per_domain=10)
    with (
        thread(tmp_path / "one", limits, database=database_url) as one,
        thread(tmp_path / "two", limits, database=database_url) as two,
    ):
        yield [one.client(), two.client()]


def create(client: Any, token: str) -> Any:
    return client.create_domain(
        Name="sales", ServerSideEncryptionConfiguration={"KmsKeyId": "alias/voice"}, ClientToken=token
    )["Domain"]["DomainId"]


def test_quotas_hold_for_all_services_together(limited: list[Any]) -> None:
    made = at_once(*(lambda n=n: create(limited[n % 2], f"token-{n}") for n in range(8)))
    refused = ("ServiceQuotaExceededException", None)
    assert made.count(refused) == 6
    domain = next(outcome for outcome in made if outcome != refused)
    people = at_once(
        *(lambda n=n: limited[n % 2].opt_out_speaker(DomainId=domain, SpeakerId=f"caller-{n}") for n in range(16))
    )
    assert people.count(refused) == 6


def test_a_client_token_counts_at_every_service(limited: list[Any]) -> None:
    made = at_once(*(lambda n=n: create(limited[n % 2], "the-same") for n in range(8)))
    assert len(set(made)) == 1
    assert not isinstance(made[0], tuple)
