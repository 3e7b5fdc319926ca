"""Fraudsters as an AWS client sees them; registration jobs make them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.batch import ENDED, Batch, batches, registration, registrations
from tests.service.operations.test_speakers import refused
from tests.service.operations.test_watchlists import create, default_of
from voiceid_optout.service.settings import Limits

UNKNOWN = "id#" + "0" * 22


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    with batches(tmp_path_factory.mktemp("fraud"), limits=Limits(fraudsters_per_watchlist=5)) as running:
        yield running


@pytest.fixture
def client(batch: Batch) -> Any:
    return batch.client


@pytest.fixture
def domain(batch: Batch) -> str:
    return batch.service.new_domain()


def register(batch: Batch, domain: str, count: int, **config: Any) -> list[str]:
    uri = batch.put(registrations([registration(f"r{number}") for number in range(count)]))
    job = batch.until(batch.register(domain, uri, **config), ENDED, "fraudster_registration")
    return [line["GeneratedFraudsterId"] for line in batch.output(job)["SuccessfulRegistrations"]]


def test_they_are_listed_described_and_deleted(batch: Batch, client: Any, domain: str) -> None:
    names = register(batch, domain, 3)
    summaries = client.list_fraudsters(DomainId=domain)["FraudsterSummaries"]
    assert [one["GeneratedFraudsterId"] for one in summaries] == names
    assert client.describe_fraudster(DomainId=domain, FraudsterId=names[0])["Fraudster"] == summaries[0]
    assert summaries[0]["WatchlistIds"] == [default_of(client, domain)]
    client.delete_fraudster(DomainId=domain, FraudsterId=names[0])
    for operation in ("describe_fraudster", "delete_fraudster"):
        assert refused(client, operation, DomainId=domain, FraudsterId=names[0])["ResourceType"] == "FRAUDSTER"
    assert len(client.list_fraudsters(DomainId=domain)["FraudsterSummaries"]) == 2


def test_they_can_be_on_several_watchlists(batch: Batch, client: Any, domain: str) -> None:
    default, other = default_of(client, domain), create(client, domain)["WatchlistId"]
    first, second = register(batch, domain, 2)
    place = {"DomainId": domain, "FraudsterId": first, "WatchlistId": other}
    for _ in range(2):  # again is no error
        found = client.associate_fraudster(**place)["Fraudster"]
        assert found["WatchlistIds"] == sorted([default, other])
    on_other = client.list_fraudsters(DomainId=domain, WatchlistId=other)["FraudsterSummaries"]
    assert on_other == [found]
    on_default = client.list_fraudsters(DomainId=domain, WatchlistId=default)["FraudsterSummaries"]
    assert [one["GeneratedFraudsterId"] for one in on_default] == [first, second]
    conflict = refused(client, "delete_watchlist", DomainId=domain, WatchlistId=other)
    assert conflict["ConflictType"] == "CANNOT_DELETE_NON_EMPTY_WATCHLIST"
    for _ in range(2):
        found = client.disassociate_fraudster(**place)["Fraudster"]
        assert found["WatchlistIds"] == [default]
    client.delete_watchlist(DomainId=domain, WatchlistId=other)


def test_nobody_leaves_the_only_watchlist(batch: Batch, client: Any, domain: str) -> None:
    (name,) = register(batch, domain, 1)
    place = {"DomainId": domain, "FraudsterId": name, "WatchlistId": default_of(client, domain)}
    response = refused(client, "disassociate_fraudster", **place)
    assert response["Error"]["Code"] == "ValidationException"
    assert name not in response["Error"]["Message"]


def test_a_full_watchlist_takes_no_more(batch: Batch, client: Any, domain: str) -> None:
    other = create(client, domain)["WatchlistId"]
    register(batch, domain, 5, RegistrationConfig={"WatchlistIds": [other]})
    (name,) = register(batch, domain, 1)
    response = refused(client, "associate_fraudster", DomainId=domain, FraudsterId=name, WatchlistId=other)
    assert response["Error"]["Code"] == "ServiceQuotaExceededException"


@pytest.mark.parametrize("operation", ["associate_fraudster", "disassociate_fraudster"])
def test_what_is_missing_is_named(batch: Batch, client: Any, domain: str, operation: str) -> None:
    (name,) = register(batch, domain, 1)
    place = {"DomainId": domain, "FraudsterId": name, "WatchlistId": default_of(client, domain)}
    for change, kind in (
        ({"DomainId": "0" * 22}, "DOMAIN"),
        ({"FraudsterId": UNKNOWN}, "FRAUDSTER"),
        ({"WatchlistId": "0" * 22}, "WATCHLIST"),
    ):
        assert refused(client, operation, **{**place, **change})["ResourceType"] == kind
    missing = refused(client, "list_fraudsters", DomainId=domain, WatchlistId="0" * 22)
    assert missing["ResourceType"] == "WATCHLIST"


def test_pages_of_a_watchlist_stay_right_while_fraudsters_come_and_go(
    batch: Batch, client: Any, domain: str
) -> None:
    names = register(batch, domain, 4)
    place = {"DomainId": domain, "WatchlistId": default_of(client, domain), "MaxResults": 2}
    page = client.list_fraudsters(**place)
    client.delete_fraudster(DomainId=domain, FraudsterId=names[1])
    client.delete_fraudster(DomainId=domain, FraudsterId=names[2])
    more = register(batch, domain, 1)
    page = client.list_fraudsters(**place, NextToken=page["NextToken"])
    assert [one["GeneratedFraudsterId"] for one in page["FraudsterSummaries"]] == [names[3], *more]
    refusal = refused(client, "list_fraudsters", DomainId=domain, MaxResults=2, NextToken="x")
    assert refusal["Error"]["Code"] == "ValidationException"


def test_a_token_is_bound_to_its_watchlist(batch: Batch, client: Any, domain: str) -> None:
    register(batch, domain, 2)
    page = client.list_fraudsters(DomainId=domain, MaxResults=1, WatchlistId=default_of(client, domain))
    response = refused(client, "list_fraudsters", DomainId=domain, MaxResults=1, NextToken=page["NextToken"])
    assert response["Error"]["Code"] == "ValidationException"
