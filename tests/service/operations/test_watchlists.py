"""Watchlists as an AWS client sees them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.batch import ENDED, Batch, batches, registration, registrations
from tests.service.operations.test_speakers import refused
from tests.service.running import Service
from voiceid_optout.service.settings import Limits

UNKNOWN = "0" * 22


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


@pytest.fixture
def service(batch: Batch) -> Service:
    return batch.service


def create(client: Any, domain: str, name: str = "other", **more: Any) -> Any:
    return client.create_watchlist(DomainId=domain, Name=name, **more)["Watchlist"]


def default_of(client: Any, domain: str) -> str:
    details = client.describe_domain(DomainId=domain)["Domain"]["WatchlistDetails"]
    return str(details["DefaultWatchlistId"])


def test_every_domain_has_a_default_one(client: Any, domain: str) -> None:
    default = default_of(client, domain)
    found = client.describe_watchlist(DomainId=domain, WatchlistId=default)["Watchlist"]
    assert found["DefaultWatchlist"] is True
    assert found["CreatedAt"] == found["UpdatedAt"]
    assert client.list_watchlists(DomainId=domain)["WatchlistSummaries"] == [found]


def test_a_new_one_is_complete(client: Any, domain: str) -> None:
    made = create(client, domain, Description="Zürich / Köln")
    assert len(made["WatchlistId"]) == 22
    assert (made["Name"], made["Description"], made["DefaultWatchlist"]) == ("other", "Zürich / Köln", False)
    assert client.describe_watchlist(DomainId=domain, WatchlistId=made["WatchlistId"])["Watchlist"] == made


def test_three_are_the_most_the_default_one_included(client: Any, domain: str) -> None:
    first, _second = create(client, domain), create(client, domain)
    assert refused(client, "create_watchlist", DomainId=domain, Name="x")["Error"]["Code"] == (
        "ServiceQuotaExceededException"
    )
    client.delete_watchlist(DomainId=domain, WatchlistId=first["WatchlistId"])
    create(client, domain)


def test_an_update_changes_what_it_names(client: Any, domain: str) -> None:
    made = create(client, domain, Description="words")
    place = {"DomainId": domain, "WatchlistId": made["WatchlistId"]}
    renamed = client.update_watchlist(**place, Name="new")["Watchlist"]
    assert (renamed["Name"], renamed["Description"]) == ("new", "words")
    described = client.update_watchlist(**place, Description="more")["Watchlist"]
    assert (described["Name"], described["Description"]) == ("new", "more")
    assert client.update_watchlist(**place)["Watchlist"] == described


@pytest.mark.parametrize("operation", ["update_watchlist", "delete_watchlist"])
def test_the_default_one_stays(client: Any, domain: str, operation: str) -> None:
    response = refused(client, operation, DomainId=domain, WatchlistId=default_of(client, domain))
    assert response["Error"]["Code"] == "ValidationException"
    assert "default watchlist" in response["Error"]["Message"]


def test_a_deleted_one_is_gone(client: Any, domain: str) -> None:
    place = {"DomainId": domain, "WatchlistId": create(client, domain)["WatchlistId"]}
    client.delete_watchlist(**place)
    for operation in ("describe_watchlist", "delete_watchlist", "update_watchlist"):
        assert refused(client, operation, **place)["ResourceType"] == "WATCHLIST"


def test_one_of_another_domain_is_not_found(client: Any, service: Service, domain: str) -> None:
    other = default_of(client, service.new_domain())
    assert refused(client, "describe_watchlist", DomainId=domain, WatchlistId=other)["ResourceType"] == "WATCHLIST"


@pytest.mark.parametrize("operation", ["describe_watchlist", "update_watchlist", "delete_watchlist"])
def test_a_missing_domain(client: Any, operation: str) -> None:
    assert refused(client, operation, DomainId=UNKNOWN, WatchlistId=UNKNOWN)["ResourceType"] == "DOMAIN"


def test_a_suspended_domain_can_be_read_only(client: Any, service: Service, domain: str) -> None:
    place = {"DomainId": domain, "WatchlistId": create(client, domain)["WatchlistId"]}
    service.suspend(domain)
    assert refused(client, "create_watchlist", DomainId=domain, Name="x")["ConflictType"] == "DOMAIN_NOT_ACTIVE"
    for operation in ("update_watchlist", "delete_watchlist"):
        assert refused(client, operation, **place)["ConflictType"] == "DOMAIN_NOT_ACTIVE"
    client.describe_watchlist(**place)
    assert len(client.list_watchlists(DomainId=domain)["WatchlistSummaries"]) == 2


def test_a_repeated_token_makes_one(client: Any, domain: str) -> None:
    token = "token-" + domain
    first = create(client, domain, ClientToken=token)
    assert create(client, domain, ClientToken=token) == first
    assert len(client.list_watchlists(DomainId=domain)["WatchlistSummaries"]) == 2
    again = refused(client, "create_watchlist", DomainId=domain, Name="y", ClientToken=token)
    assert again["Error"]["Code"] == "ValidationException"


def test_pages_stay_right_while_watchlists_go(client: Any, domain: str) -> None:
    first, second = create(client, domain, "first"), create(client, domain, "second")
    page = client.list_watchlists(DomainId=domain, MaxResults=1)
    page = client.list_watchlists(DomainId=domain, MaxResults=1, NextToken=page["NextToken"])
    assert page["WatchlistSummaries"] == [first]
    client.delete_watchlist(DomainId=domain, WatchlistId=first["WatchlistId"])
    last = client.list_watchlists(DomainId=domain, MaxResults=1, NextToken=page["NextToken"])
    assert last["WatchlistSummaries"] == [second]
    assert "NextToken" not in last


NOBODY = "id#" + "0" * 22


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
        ({"FraudsterId": NOBODY}, "FRAUDSTER"),
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
