"""Starting, describing and listing jobs, for both kinds alike."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.batch import ENDED, ROLE, Batch, batches, enrolment, enrolments, registration, registrations
from tests.service.operations.test_speakers import refused
from tests.service.running import Service

KINDS = ["speaker_enrollment", "fraudster_registration"]
UNKNOWN = "0" * 22


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    with batches(tmp_path_factory.mktemp("jobs")) as running:
        yield running


@pytest.fixture
def domain(batch: Batch) -> str:
    return batch.service.new_domain()


def given(domain: str, **more: Any) -> dict[str, Any]:
    return {
        "DomainId": domain,
        "DataAccessRoleArn": ROLE,
        "InputDataConfig": {"S3Uri": "s3://input/missing.json"},
        "OutputDataConfig": {"S3Uri": "s3://output/jobs", "KmsKeyId": "alias/voice"},
        **more,
    }


def start(batch: Batch, kind: str, domain: str, **more: Any) -> Any:
    return getattr(batch.client, f"start_{kind}_job")(**given(domain, **more))["Job"]


def ended(batch: Batch, kind: str, job: Any) -> Any:
    return batch.until(job, ENDED, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_job_shows_what_it_was_given(batch: Batch, domain: str, kind: str) -> None:
    watchlist = batch.client.describe_domain(DomainId=domain)["Domain"]["WatchlistDetails"]["DefaultWatchlistId"]
    configs: dict[str, dict[str, Any]] = {
        "speaker_enrollment": {
            "EnrollmentConfig": {
                "ExistingEnrollmentAction": "SKIP",
                "FraudDetectionConfig": {
                    "FraudDetectionAction": "IGNORE",
                    "RiskThreshold": 7,
                    "WatchlistIds": [watchlist],
                },
            }
        },
        "fraudster_registration": {
            "RegistrationConfig": {
                "DuplicateRegistrationAction": "REGISTER_AS_NEW",
                "FraudsterSimilarityThreshold": 7,
                "WatchlistIds": [watchlist],
            }
        },
    }
    job = start(batch, kind, domain, JobName="nightly", **configs[kind])
    assert (job["JobStatus"], job["JobProgress"]) == ("SUBMITTED", {"PercentComplete": 0})
    expected = given(domain, JobName="nightly", **configs[kind])
    assert {name: job[name] for name in expected} == expected
    found = ended(batch, kind, job)
    assert {name: found[name] for name in expected} == expected
    assert found["FailureDetails"]["StatusCode"] == 404
    (summary,) = getattr(batch.client, f"list_{kind}_jobs")(DomainId=domain)["JobSummaries"]
    assert summary == {name: found[name] for name in summary}
    assert set(summary) == {
        "CreatedAt",
        "DomainId",
        "EndedAt",
        "FailureDetails",
        "JobId",
        "JobName",
        "JobProgress",
        "JobStatus",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_listings_filter_by_status_and_page(batch: Batch, domain: str, kind: str) -> None:
    content = {
        "speaker_enrollment": enrolments([enrolment("r1", "caller-1")]),
        "fraudster_registration": registrations([registration("r1")]),
    }
    uri = batch.put(content[kind], f"{kind}.json")
    jobs = []
    for source in (uri, "s3://input/missing.json", uri):
        jobs.append(start(batch, kind, domain, InputDataConfig={"S3Uri": source})["JobId"])
        ended(batch, kind, {"DomainId": domain, "JobId": jobs[-1]})
    listing = f"list_{kind}_jobs"
    pages = list(batch.client.get_paginator(listing).paginate(DomainId=domain, PaginationConfig={"PageSize": 2}))
    assert [[job["JobId"] for job in page["JobSummaries"]] for page in pages] == [jobs[:2], jobs[2:]]
    done = getattr(batch.client, listing)(DomainId=domain, JobStatus="COMPLETED")["JobSummaries"]
    assert [job["JobId"] for job in done] == [jobs[0], jobs[2]]
    response = refused(
        batch.client, listing, DomainId=domain, MaxResults=2, JobStatus="FAILED", NextToken=pages[0]["NextToken"]
    )
    assert response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("kind", KINDS)
def test_one_active_job_of_a_kind(tmp_path_factory: pytest.TempPathFactory, service: Service, kind: str) -> None:
    other = KINDS[1 - KINDS.index(kind)]
    with batches(tmp_path_factory.mktemp("active")) as batch:
        domain = batch.service.new_domain()
        (batch.objects / "input").mkdir()
        many = [enrolment(f"r{n}", f"caller-{n}") for n in range(2000)]
        content = enrolments(many) if kind == "speaker_enrollment" else registrations(many[:500])
        uri = batch.put(content)
        job = start(batch, kind, domain, InputDataConfig={"S3Uri": uri})
        response = refused(batch.client, f"start_{kind}_job", **given(domain))
        assert response["Error"]["Code"] == "ServiceQuotaExceededException"
        start(batch, other, domain)
        ended(batch, kind, job)
        start(batch, kind, domain)


@pytest.mark.parametrize("kind", KINDS)
def test_a_repeated_token_starts_one_job(batch: Batch, domain: str, kind: str) -> None:
    job = start(batch, kind, domain, ClientToken="token-" + domain)
    ended(batch, kind, job)
    assert start(batch, kind, domain, ClientToken="token-" + domain) == job
    assert len(getattr(batch.client, f"list_{kind}_jobs")(DomainId=domain)["JobSummaries"]) == 1
    response = refused(
        batch.client, f"start_{kind}_job", **given(domain, ClientToken="token-" + domain, JobName="other")
    )
    assert response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_named(batch: Batch, domain: str, kind: str) -> None:
    describe, start_it, listing = f"describe_{kind}_job", f"start_{kind}_job", f"list_{kind}_jobs"
    assert refused(batch.client, describe, DomainId=domain, JobId=UNKNOWN)["ResourceType"] == "BATCH_JOB"
    assert refused(batch.client, describe, DomainId=UNKNOWN, JobId=UNKNOWN)["ResourceType"] == "DOMAIN"
    assert refused(batch.client, listing, DomainId=UNKNOWN)["ResourceType"] == "DOMAIN"
    assert refused(batch.client, start_it, **given(UNKNOWN))["ResourceType"] == "DOMAIN"
    watchlists = {"WatchlistIds": [UNKNOWN]}
    config: dict[str, Any] = {"RegistrationConfig": watchlists}
    if kind == "speaker_enrollment":
        config = {"EnrollmentConfig": {"FraudDetectionConfig": watchlists}}
    assert refused(batch.client, start_it, **given(domain, **config))["ResourceType"] == "WATCHLIST"


def test_a_job_of_the_other_kind_is_not_found(batch: Batch, domain: str) -> None:
    job = start(batch, KINDS[0], domain)
    response = refused(batch.client, f"describe_{KINDS[1]}_job", DomainId=domain, JobId=job["JobId"])
    assert response["ResourceType"] == "BATCH_JOB"


@pytest.mark.parametrize("uri", ["s3://input", "s3://input/", "s3://input/folder/"])
def test_an_input_must_be_an_object(batch: Batch, domain: str, uri: str) -> None:
    response = refused(
        batch.client, "start_speaker_enrollment_job", **given(domain, InputDataConfig={"S3Uri": uri})
    )
    assert response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("kind", KINDS)
def test_a_suspended_domain_starts_no_job(batch: Batch, domain: str, kind: str) -> None:
    batch.service.suspend(domain)
    response = refused(batch.client, f"start_{kind}_job", **given(domain))
    assert response["ConflictType"] == "DOMAIN_NOT_ACTIVE"
    assert getattr(batch.client, f"list_{kind}_jobs")(DomainId=domain)["JobSummaries"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_without_objects_says_so(service: Service, kind: str) -> None:
    domain = service.new_domain()
    response = refused(service.client(), f"start_{kind}_job", **given(domain))
    assert response["Error"]["Code"] == "AccessDeniedException"
    assert "--objects" in response["Error"]["Message"]
