"""Speakers as an AWS client sees them."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import Connection, text

from tests.service.running import Service, thread
from voiceid_optout.service.db.database import open_database
from voiceid_optout.service.db.transaction import Statement
from voiceid_optout.service.operations import speakers
from voiceid_optout.service.settings import Limits

DOMAIN, OTHER = "a" * 22, "b" * 22


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def connection(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connection]:
    url = request.getfixturevalue("database_url") if request.param == "PostgreSQL" else None
    database = open_database(tmp_path, url)
    with database.writer.begin() as connection:
        yield connection
    database.close()


def people(*numbers: int) -> list[tuple[str, str, str | None]]:
    return [(f"caller-{number}", f"id#{number:022}", f"mark-{number}") for number in numbers]


def test_people_are_inserted_in_the_order_given_and_found_by_either_id(connection: Connection) -> None:
    speakers.insert_speakers(connection, DOMAIN, people(3, 1, 2), "OPTED_OUT", 1_800_000_000.125)
    speakers.insert_speakers(connection, OTHER, people(1), "OPTED_OUT", 1.0)
    rows = speakers.find_all(connection, DOMAIN, ["caller-1", "caller-3", "caller-9"])
    assert [row["customer_id"] for row in sorted(rows, key=lambda row: row["sequence"])] == ["caller-3", "caller-1"]
    assert (
        rows[0].items()
        >= {
            "domain_id": DOMAIN,
            "status": "OPTED_OUT",
            "created_at": 1_800_000_000.125,
            "updated_at": 1_800_000_000.125,
            "last_accessed_at": None,
            "opted_out_by": "mark-1",
        }.items()
    )
    (found,) = speakers.find_all(connection, DOMAIN, [f"id#{2:022}"])
    assert found["customer_id"] == "caller-2"


@pytest.mark.parametrize("column", ["customer_id", "generated_id"])
@pytest.mark.parametrize("analyzed", [True, False])
def test_the_search_uses_the_index_also_while_the_planner_knows_nothing(
    connection: Connection, column: str, analyzed: bool
) -> None:
    speakers.insert_speakers(connection, DOMAIN, people(*range(5000)), "OPTED_OUT", 1.0)
    if analyzed:
        connection.execute(text("ANALYZE"))
    sqlite = connection.dialect.name == "sqlite"
    names: Any = json.dumps(["caller-7"] * 64) if sqlite else ["caller-7"] * 64
    explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    explained = Statement({name: explain + found for name, found in speakers._FIND[column].texts.items()})
    plan = "\n".join(str(row) for row in explained.run(connection, domain=DOMAIN, names=names))
    assert "SCAN speakers" not in plan
    assert "Seq Scan" not in plan
    index = f"(domain_id=? AND {column}=?)" if sqlite else f"speakers_domain_id_{column}_key"
    assert index in plan


def test_the_count_of_a_domain_is_kept(connection: Connection) -> None:
    connection.execute(
        text(
            "INSERT INTO domains (domain_id, name, status, kms_key_id, default_watchlist_id, speaker_count,"
            " created_at, updated_at) VALUES (:domain, 'sales', 'ACTIVE', 'k', 'w', 5, 1, 1)"
        ),
        {"domain": DOMAIN},
    )
    speakers.grow(connection, DOMAIN, 3)
    speakers.grow(connection, DOMAIN, -1)
    assert connection.scalar(text("SELECT speaker_count FROM domains")) == 7


NOBODY = "id#" + "0" * 22


def speaker(client: Any, domain: str, name: str) -> Any:
    return client.describe_speaker(DomainId=domain, SpeakerId=name)["Speaker"]


def opt_out(client: Any, domain: str, name: str) -> Any:
    return client.opt_out_speaker(DomainId=domain, SpeakerId=name)["Speaker"]


def refused(client: Any, operation: str, **arguments: Any) -> Any:
    with pytest.raises(ClientError) as refusal:
        getattr(client, operation)(**arguments)
    return refusal.value.response


def listed(client: Any, domain: str, **arguments: Any) -> Any:
    pages = client.get_paginator("list_speakers").paginate(DomainId=domain, **arguments)
    return [entry for page in pages for entry in page["SpeakerSummaries"]]


def test_opting_out_an_unknown_person_creates_them(client: Any, domain: str) -> None:
    made = opt_out(client, domain, "caller-1")
    assert made["Status"] == "OPTED_OUT"
    assert made["CustomerSpeakerId"] == "caller-1"
    assert made["GeneratedSpeakerId"].startswith("id#")
    assert len(made["GeneratedSpeakerId"]) == 25
    assert made["CreatedAt"] == made["UpdatedAt"]
    assert "LastAccessedAt" not in made
    assert speaker(client, domain, "caller-1") == made
    assert speaker(client, domain, made["GeneratedSpeakerId"]) == made
    assert listed(client, domain) == [made]


def test_opting_out_again_changes_nothing(client: Any, domain: str) -> None:
    made = opt_out(client, domain, "caller-1")
    assert opt_out(client, domain, "caller-1") == made
    assert opt_out(client, domain, made["GeneratedSpeakerId"]) == made
    assert listed(client, domain) == [made]


@pytest.mark.parametrize("status", ["ENROLLED", "EXPIRED", "PENDING"])
@pytest.mark.parametrize("by", ["CustomerSpeakerId", "GeneratedSpeakerId"])
def test_opting_out_overrides_any_status_and_keeps_the_ids(
    client: Any, service: Service, domain: str, status: str, by: str
) -> None:
    seeded = service.seed(domain, "caller-1", status)
    before = speaker(client, domain, "caller-1")
    after = opt_out(client, domain, seeded[by])
    assert after["Status"] == "OPTED_OUT"
    assert after["UpdatedAt"] >= before["UpdatedAt"]
    moved = {"Status", "UpdatedAt"}
    assert {name: value for name, value in after.items() if name not in moved} == {
        name: value for name, value in before.items() if name not in moved
    }
    assert speaker(client, domain, "caller-1") == after


def test_an_unknown_generated_id_cannot_be_opted_out(client: Any, domain: str) -> None:
    response = refused(client, "opt_out_speaker", DomainId=domain, SpeakerId=NOBODY)
    assert (response["Error"]["Code"], response["ResourceType"]) == ("ResourceNotFoundException", "SPEAKER")
    assert listed(client, domain) == []


@pytest.mark.parametrize("operation", ["describe_speaker", "delete_speaker"])
@pytest.mark.parametrize("name", ["caller-1", NOBODY])
def test_a_missing_speaker(client: Any, domain: str, operation: str, name: str) -> None:
    response = refused(client, operation, DomainId=domain, SpeakerId=name)
    assert (response["Error"]["Code"], response["ResourceType"]) == ("ResourceNotFoundException", "SPEAKER")


@pytest.mark.parametrize("operation", ["opt_out_speaker", "describe_speaker", "delete_speaker", "list_speakers"])
def test_a_missing_domain(client: Any, operation: str) -> None:
    arguments = {} if operation == "list_speakers" else {"SpeakerId": "caller-1"}
    response = refused(client, operation, DomainId="0" * 22, **arguments)
    assert (response["Error"]["Code"], response["ResourceType"]) == ("ResourceNotFoundException", "DOMAIN")


@pytest.mark.parametrize("by", ["CustomerSpeakerId", "GeneratedSpeakerId"])
def test_deleting_forgets_the_opt_out_and_the_id(client: Any, domain: str, by: str) -> None:
    made = opt_out(client, domain, "caller-1")
    client.delete_speaker(DomainId=domain, SpeakerId=made[by])
    assert listed(client, domain) == []
    again = opt_out(client, domain, "caller-1")
    assert again["GeneratedSpeakerId"] != made["GeneratedSpeakerId"]
    response = refused(client, "describe_speaker", DomainId=domain, SpeakerId=made["GeneratedSpeakerId"])
    assert response["ResourceType"] == "SPEAKER"


def test_customer_ids_are_case_sensitive(client: Any, domain: str) -> None:
    opt_out(client, domain, "Caller")
    opt_out(client, domain, "caller")
    assert [entry["CustomerSpeakerId"] for entry in listed(client, domain)] == ["Caller", "caller"]


def test_domains_keep_speakers_apart(client: Any, service: Service, domain: str) -> None:
    other = service.new_domain()
    first, second = opt_out(client, domain, "caller-1"), opt_out(client, other, "caller-1")
    assert first["GeneratedSpeakerId"] != second["GeneratedSpeakerId"]
    client.delete_speaker(DomainId=domain, SpeakerId="caller-1")
    assert listed(client, other) == [second]


def test_a_suspended_domain_can_be_read_but_not_changed(client: Any, service: Service, domain: str) -> None:
    made = opt_out(client, domain, "caller-1")
    service.suspend(domain)
    assert speaker(client, domain, "caller-1") == made
    assert listed(client, domain) == [made]
    for operation in ("opt_out_speaker", "delete_speaker"):
        response = refused(client, operation, DomainId=domain, SpeakerId="caller-1")
        assert response["Error"] == {"Code": "ConflictException", "Message": "The domain is not active."}
        assert response["ConflictType"] == "DOMAIN_NOT_ACTIVE"
    service.reactivate(domain)
    client.delete_speaker(DomainId=domain, SpeakerId="caller-1")


def test_the_quota_counts_opted_out_speakers_and_deleting_makes_room(tmp_path: Path) -> None:
    with thread(tmp_path, Limits(speakers_per_domain=2)) as service:
        client, domain = service.client(), service.new_domain()
        service.seed(domain, "caller-1", "ENROLLED")
        opt_out(client, domain, "caller-2")
        response = refused(client, "opt_out_speaker", DomainId=domain, SpeakerId="caller-3")
        assert response["Error"]["Code"] == "ServiceQuotaExceededException"
        assert opt_out(client, domain, "caller-1")["Status"] == "OPTED_OUT"
        client.delete_speaker(DomainId=domain, SpeakerId="caller-2")
        assert opt_out(client, domain, "caller-3")["Status"] == "OPTED_OUT"


def test_pages_hold_each_speaker_once_while_others_come_and_go(client: Any, domain: str) -> None:
    names = [f"caller-{number}" for number in range(10)]
    for name in names:
        opt_out(client, domain, name)
    seen = []
    for number, page in enumerate(
        client.get_paginator("list_speakers").paginate(DomainId=domain, PaginationConfig={"PageSize": 3})
    ):
        assert len(page["SpeakerSummaries"]) <= 3
        seen += [entry["CustomerSpeakerId"] for entry in page["SpeakerSummaries"]]
        if number == 0:
            client.delete_speaker(DomainId=domain, SpeakerId="caller-0")
            opt_out(client, domain, "a-latecomer")
    assert seen == [*names, "a-latecomer"]


def test_a_last_page_that_is_full_has_no_token(client: Any, domain: str) -> None:
    for number in range(4):
        opt_out(client, domain, f"caller-{number}")
    first = client.list_speakers(DomainId=domain, MaxResults=2)
    last = client.list_speakers(DomainId=domain, MaxResults=2, NextToken=first["NextToken"])
    assert len(last["SpeakerSummaries"]) == 2
    assert "NextToken" not in last


def test_a_page_holds_a_hundred_unless_asked(client: Any, service: Service, domain: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: opt_out(client, domain, f"caller-{number}"), range(101)))
    assert len(client.list_speakers(DomainId=domain)["SpeakerSummaries"]) == 100
    assert len(listed(client, domain)) == 101


def test_a_token_is_bound_to_its_arguments(client: Any, service: Service, domain: str) -> None:
    for number in range(3):
        opt_out(client, domain, f"caller-{number}")
    token = client.list_speakers(DomainId=domain, MaxResults=1)["NextToken"]
    foreign = service.new_domain()
    for arguments in (
        {"DomainId": foreign, "MaxResults": 1, "NextToken": token},
        {"DomainId": domain, "MaxResults": 2, "NextToken": token},
        {"DomainId": domain, "MaxResults": 1, "NextToken": token[:-4] + "AAAA"},
        {"DomainId": domain, "MaxResults": 1, "NextToken": "x"},
        {"DomainId": domain, "MaxResults": 1, "NextToken": ""},
    ):
        assert refused(client, "list_speakers", **arguments)["Error"]["Code"] == "ValidationException"
    assert refused(client, "list_domains", MaxResults=1, NextToken=token)["Error"]["Code"] == "ValidationException"


def test_simultaneous_opt_outs_of_one_person_make_one_speaker(service: Service, client: Any, domain: str) -> None:
    gate = threading.Barrier(8)

    def together(_number: int) -> Any:
        gate.wait()
        return opt_out(client, domain, "caller-1")["GeneratedSpeakerId"]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(together, range(8)))) == 1
    assert len(listed(client, domain)) == 1


def test_a_mixed_crowd_gets_each_its_own_answer(client: Any, service: Service, domain: str) -> None:
    away = service.new_domain()
    service.suspend(away)
    service.seed(domain, "enrolled", "ENROLLED")

    def one(number: int) -> Any:
        place = (domain, away, "0" * 22)[number % 3]
        name = ("enrolled", f"caller-{number}", NOBODY)[number % 4 % 3]
        try:
            return place, name, opt_out(client, place, name)["Status"]
        except ClientError as error:
            return place, name, error.response.get("ResourceType") or error.response["ConflictType"]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(96)))
    for place, name, answer in answers:
        expected = "SPEAKER" if name == NOBODY else "OPTED_OUT"
        assert answer == {domain: expected, away: "DOMAIN_NOT_ACTIVE"}.get(place, "DOMAIN")
    assert {entry["Status"] for entry in listed(client, domain)} == {"OPTED_OUT"}
