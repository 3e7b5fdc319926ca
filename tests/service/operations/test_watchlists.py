"""Watchlists as an AWS client sees them."""

from typing import Any

import pytest

from tests.service.operations.test_speakers import refused
from tests.service.running import Service

UNKNOWN = "0" * 22


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
