"""Domains from their creation to their deletion, client tokens, and tags."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.service.operations.test_speakers import refused
from tests.service.running import Service, thread

KEY = {"KmsKeyId": "alias/voice"}


@pytest.fixture
def cloud(fresh: Service) -> Any:
    """A client of an empty service."""
    return fresh.client()


def create(client: Any, **more: Any) -> Any:
    return client.create_domain(**{"Name": "sales", "ServerSideEncryptionConfiguration": KEY, **more})["Domain"]


def describe(client: Any, domain_id: str) -> Any:
    return client.describe_domain(DomainId=domain_id)["Domain"]


def test_a_new_domain_is_active_and_complete(cloud: Any) -> None:
    made = create(cloud, Description="Zürich")
    assert made["Arn"] == f"arn:aws:voiceid:us-east-1:000000000000:domain/{made['DomainId']}"
    assert made["DomainStatus"] == "ACTIVE"
    assert made["Description"] == "Zürich"
    assert made["ServerSideEncryptionConfiguration"] == KEY
    assert len(made["WatchlistDetails"]["DefaultWatchlistId"]) == 22
    assert made["CreatedAt"] == made["UpdatedAt"]
    assert describe(cloud, made["DomainId"]) == made
    assert cloud.list_domains()["DomainSummaries"] == [made]


def test_names_need_not_differ(cloud: Any) -> None:
    assert create(cloud)["DomainId"] != create(cloud)["DomainId"]


def test_a_fourth_domain_exceeds_the_quota_until_one_is_deleted(cloud: Any) -> None:
    made = [create(cloud) for _ in range(3)]
    with pytest.raises(cloud.exceptions.ServiceQuotaExceededException):
        create(cloud)
    cloud.delete_domain(DomainId=made[0]["DomainId"])
    assert create(cloud)["DomainStatus"] == "ACTIVE"


def test_an_update_clobbers(cloud: Any) -> None:
    made = create(cloud, Description="words")
    updated = cloud.update_domain(DomainId=made["DomainId"], Name="service", ServerSideEncryptionConfiguration=KEY)[
        "Domain"
    ]
    assert updated["Name"] == "service"
    assert "Description" not in updated
    assert "ServerSideEncryptionUpdateDetails" not in updated
    assert updated["CreatedAt"] == made["CreatedAt"]
    assert describe(cloud, made["DomainId"]) == updated


def test_a_changed_key_is_reported(cloud: Any) -> None:
    made = create(cloud)
    key = {"KmsKeyId": "alias/other"}
    updated = cloud.update_domain(DomainId=made["DomainId"], Name="n", ServerSideEncryptionConfiguration=key)
    assert updated["Domain"]["ServerSideEncryptionConfiguration"] == key
    assert updated["Domain"]["ServerSideEncryptionUpdateDetails"] == {
        "OldKmsKeyId": "alias/voice",
        "UpdateStatus": "COMPLETED",
    }


def test_deleting_suspends_and_may_be_repeated(cloud: Any) -> None:
    domain_id = create(cloud)["DomainId"]
    cloud.opt_out_speaker(DomainId=domain_id, SpeakerId="caller-1")
    for _ in range(2):
        cloud.delete_domain(DomainId=domain_id)
        assert describe(cloud, domain_id)["DomainStatus"] == "SUSPENDED"
    assert [entry["DomainStatus"] for entry in cloud.list_domains()["DomainSummaries"]] == ["SUSPENDED"]
    assert cloud.describe_speaker(DomainId=domain_id, SpeakerId="caller-1")["Speaker"]["Status"] == "OPTED_OUT"
    response = refused(cloud, "update_domain", DomainId=domain_id, Name="n", ServerSideEncryptionConfiguration=KEY)
    assert response["ConflictType"] == "DOMAIN_NOT_ACTIVE"


def test_reactivating_undoes_a_deletion(fresh: Service) -> None:
    client = fresh.client()
    made = create(client)
    client.delete_domain(DomainId=made["DomainId"])
    fresh.reactivate(made["DomainId"])
    assert describe(client, made["DomainId"])["DomainStatus"] == "ACTIVE"
    client.opt_out_speaker(DomainId=made["DomainId"], SpeakerId="caller-1")


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("describe_domain", {}),
        ("delete_domain", {}),
        ("update_domain", {"Name": "n", "ServerSideEncryptionConfiguration": KEY}),
    ],
)
def test_a_missing_domain(client: Any, operation: str, more: Any) -> None:
    assert refused(client, operation, DomainId="0" * 22, **more)["ResourceType"] == "DOMAIN"


def test_a_repeated_token_returns_the_first_domain(cloud: Any) -> None:
    token = str(uuid.uuid4())
    made = create(cloud, ClientToken=token)
    assert create(cloud, ClientToken=token) == made
    assert len(cloud.list_domains()["DomainSummaries"]) == 1


def test_a_token_of_another_request_is_refused(cloud: Any) -> None:
    create(cloud, ClientToken="token-1")
    with pytest.raises(ClientError, match="ClientToken") as refusal:
        create(cloud, ClientToken="token-1", Name="other")
    assert refusal.value.response["Error"]["Code"] == "ValidationException"


def test_listings_page_in_the_order_of_creation(tmp_path: Path) -> None:
    named = tuple((f"{number}" * 22, f"domain-{number}") for number in range(5))
    with thread(tmp_path, domains=named) as service:
        pages = list(service.client().get_paginator("list_domains").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["DomainSummaries"]) for page in pages] == [2, 2, 1]
    found = [(entry["DomainId"], entry["Name"]) for page in pages for entry in page["DomainSummaries"]]
    assert tuple(found) == named


PREFIX = "arn:aws:voiceid:us-east-1:000000000000:domain/"


@pytest.fixture
def arn(domain: str) -> Any:
    return PREFIX + domain


def tags(client: Any, arn: str) -> Any:
    return {tag["Key"]: tag["Value"] for tag in client.list_tags_for_resource(ResourceArn=arn)["Tags"]}


def as_list(**given: str) -> Any:
    return [{"Key": key, "Value": value} for key, value in given.items()]


def test_tags_are_merged_by_key_and_removed_by_key(client: Any, arn: str) -> None:
    client.tag_resource(ResourceArn=arn, Tags=as_list(team="privacy", stage="test"))
    client.tag_resource(ResourceArn=arn, Tags=as_list(stage="live", owner=""))
    assert tags(client, arn) == {"team": "privacy", "stage": "live", "owner": ""}
    client.untag_resource(ResourceArn=arn, TagKeys=["stage", "never there"])
    assert tags(client, arn) == {"team": "privacy", "owner": ""}
    client.tag_resource(ResourceArn=arn, Tags=[])
    assert tags(client, arn) == {"team": "privacy", "owner": ""}


def test_tags_given_at_creation(fresh: Service) -> None:
    client = fresh.client()
    made = client.create_domain(Name="sales", ServerSideEncryptionConfiguration=KEY, Tags=as_list(team="privacy"))[
        "Domain"
    ]
    assert tags(client, made["Arn"]) == {"team": "privacy"}
    assert "Tags" not in made


def test_the_same_key_twice_is_refused(client: Any, arn: str) -> None:
    response = refused(client, "tag_resource", ResourceArn=arn, Tags=as_list(a="1") + as_list(a="2"))
    assert response["Error"]["Code"] == "ValidationException"
    assert tags(client, arn) == {}


@pytest.mark.parametrize("key", ["aws:team", "AWS:team", "Aws:", "aws:cloudformation:stack-name"])
def test_keys_that_are_aws_s_own_are_refused(client: Any, arn: str, key: str) -> None:
    client.tag_resource(ResourceArn=arn, Tags=as_list(aws="1", **{"my:aws:key": "2"}))
    for operation, given in (
        ("tag_resource", {"Tags": as_list(**{key: "x"})}),
        ("untag_resource", {"TagKeys": [key]}),
    ):
        response = refused(client, operation, ResourceArn=arn, **given)
        assert response["Error"]["Code"] == "ValidationException"
        assert "aws:" in response["Error"]["Message"]
    with pytest.raises(client.exceptions.ValidationException):
        client.create_domain(Name="sales", ServerSideEncryptionConfiguration=KEY, Tags=as_list(**{key: "x"}))
    assert tags(client, arn) == {"aws": "1", "my:aws:key": "2"}


def test_two_hundred_tags_and_no_more(client: Any, arn: str) -> None:
    full = as_list(**{f"key-{number}": "x" for number in range(200)})
    client.tag_resource(ResourceArn=arn, Tags=full)
    response = refused(client, "tag_resource", ResourceArn=arn, Tags=as_list(more="x"))
    assert response["Error"]["Code"] == "ValidationException"
    client.tag_resource(ResourceArn=arn, Tags=[{"Key": "key-7", "Value": "y"}])
    assert tags(client, arn)["key-7"] == "y"


@pytest.mark.parametrize("other", [PREFIX + "0" * 22, "arn:aws:voiceid:eu-west-2:000000000000:domain/{}"])
@pytest.mark.parametrize("operation", ["list_tags_for_resource", "tag_resource", "untag_resource"])
def test_an_unknown_resource(client: Any, domain: str, other: str, operation: str) -> None:
    more: dict[str, Any] = {"tag_resource": {"Tags": []}, "untag_resource": {"TagKeys": []}}.get(operation, {})
    assert refused(client, operation, ResourceArn=other.format(domain), **more)["ResourceType"] == "DOMAIN"


def test_a_suspended_domain_keeps_its_tags_unchanged(client: Any, service: Service, domain: str, arn: str) -> None:
    client.tag_resource(ResourceArn=arn, Tags=as_list(team="privacy"))
    service.suspend(domain)
    assert refused(client, "tag_resource", ResourceArn=arn, Tags=[])["ConflictType"] == "DOMAIN_NOT_ACTIVE"
    assert refused(client, "untag_resource", ResourceArn=arn, TagKeys=[])["ConflictType"] == "DOMAIN_NOT_ACTIVE"
    assert tags(client, arn) == {"team": "privacy"}
