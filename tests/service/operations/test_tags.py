"""Tags of domains as an AWS client sees them."""

from typing import Any

import pytest

from tests.service.operations.test_domains import KEY
from tests.service.operations.test_speakers import refused
from tests.service.running import Service

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
