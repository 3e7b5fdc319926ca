"""Whole jobs over HTTP: from the call to the output file."""

import json
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.batch import (
    ENDED,
    Batch,
    batches,
    enrolment,
    enrolments,
    registration,
    registrations,
)
from tests.service.running import child
from voiceid_optout.service.jobs.runner import CHUNK
from voiceid_optout.service.settings import Limits

CONFLICT = "Conflicting action: You cannot request an enrollment for an opted out speaker."


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    with batches(tmp_path_factory.mktemp("batches")) as running:
        yield running


@pytest.fixture
def domain(batch: Batch) -> str:
    return batch.service.new_domain()


def lines(output: Any) -> dict[str, Any]:
    """Return what the output says of each request: an error's code, or a status."""
    errors = {line["RequestId"]: line["ErrorCode"] for line in output["Errors"]}
    return errors | {line["RequestId"]: line["EnrollmentStatus"] for line in output["SuccessfulEnrollments"]}


def test_people_are_enrolled(batch: Batch, domain: str) -> None:
    job, output = batch.enrol(domain, enrolment("r1", "caller-1"), enrolment("r2", "caller-2"))
    assert job["JobStatus"] == "COMPLETED"
    assert job["JobProgress"] == {"PercentComplete": 100}
    assert job["EndedAt"] >= job["CreatedAt"]
    assert "FailureDetails" not in job
    speaker = batch.client.describe_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]
    assert speaker["Status"] == "ENROLLED"
    assert speaker["LastAccessedAt"] == speaker["CreatedAt"]
    assert output["Errors"] == []
    assert output["SuccessfulEnrollments"][0] == {
        "RequestId": "r1",
        "GeneratedSpeakerId": speaker["GeneratedSpeakerId"],
        "CustomerSpeakerId": "caller-1",
        "EnrollmentStatus": "NEW_ENROLLMENT",
    }
    assert stat.S_IMODE(batch.output_path(job).stat().st_mode) == 0o600


@pytest.mark.parametrize("action", [None, "SKIP", "OVERWRITE"])
def test_every_status_has_its_decision(batch: Batch, domain: str, action: str | None) -> None:
    statuses = ["ENROLLED", "EXPIRED", "PENDING", "OPTED_OUT"]
    before = {status: batch.service.seed(domain, f"caller-{status}", status) for status in statuses}
    config = {"EnrollmentConfig": {"ExistingEnrollmentAction": action}} if action else {}
    requests = [enrolment(status, f"caller-{status}") for status in statuses]
    job, output = batch.enrol(domain, *requests, enrolment("broken", "#"), enrolment("new", "caller-new"), **config)
    assert job["JobStatus"] == "COMPLETED_WITH_ERRORS"
    assert lines(output) == {
        "ENROLLED": "ENROLLMENT_OVERWRITE" if action == "OVERWRITE" else "DUPLICATE_SKIPPED",
        "EXPIRED": "NEW_ENROLLMENT",
        "PENDING": "NEW_ENROLLMENT",
        "OPTED_OUT": 409,
        "broken": 400,
        "new": "NEW_ENROLLMENT",
    }
    assert {"RequestId": "OPTED_OUT", "ErrorCode": 409, "ErrorMessage": CONFLICT} in output["Errors"]
    for status in statuses:
        after = batch.client.describe_speaker(DomainId=domain, SpeakerId=f"caller-{status}")["Speaker"]
        assert after["Status"] == ("OPTED_OUT" if status == "OPTED_OUT" else "ENROLLED")
        assert after["GeneratedSpeakerId"] == before[status]["GeneratedSpeakerId"]


def test_a_person_twice_in_a_manifest(batch: Batch, domain: str) -> None:
    _, output = batch.enrol(domain, enrolment("r1", "caller-1"), enrolment("r2", "caller-1"))
    assert lines(output) == {"r1": "NEW_ENROLLMENT", "r2": "DUPLICATE_SKIPPED"}
    assert len(batch.client.list_speakers(DomainId=domain)["SpeakerSummaries"]) == 1


def test_a_full_domain_takes_no_more_but_those_it_has(tmp_path: Path) -> None:
    with batches(tmp_path, limits=Limits(speakers_per_domain=2)) as batch:
        domain = batch.service.new_domain()
        batch.client.opt_out_speaker(DomainId=domain, SpeakerId="caller-out")
        names = ["caller-1", "caller-2", "caller-1", "caller-out"]
        job, output = batch.enrol(domain, *(enrolment(f"r{n}", name) for n, name in enumerate(names)))
        assert lines(output) == {"r0": "NEW_ENROLLMENT", "r1": 402, "r2": "DUPLICATE_SKIPPED", "r3": 409}
        assert output["Errors"][0]["ErrorMessage"] == "Speaker limit exceeded"
        assert job["JobStatus"] == "COMPLETED_WITH_ERRORS"
        with pytest.raises(batch.client.exceptions.ServiceQuotaExceededException):
            batch.client.opt_out_speaker(DomainId=domain, SpeakerId="caller-2")


def test_more_requests_than_a_job_can_have(tmp_path: Path) -> None:
    with batches(tmp_path, limits=Limits(speakers_per_job=2)) as batch:
        domain = batch.service.new_domain()
        uri = batch.put(enrolments([enrolment(f"r{n}", f"caller-{n}") for n in range(3)]))
        job = batch.wait(batch.start(domain, uri))
        assert job["JobStatus"] == "FAILED"
        assert job["FailureDetails"] == {
            "Message": "The input file holds more requests than a job can have: 2.",
            "StatusCode": 402,
        }
        assert batch.client.list_speakers(DomainId=domain)["SpeakerSummaries"] == []


@pytest.mark.parametrize(
    ("content", "code"), [(None, 404), (b"no JSON caller-secret", 400), (enrolments([{"SpeakerId": "x"}]), 400)]
)
def test_a_job_that_fails_says_why(
    batch: Batch, domain: str, content: bytes | None, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    uri = "s3://input/caller-secret/missing.json" if content is None else batch.put(content, "broken.json")
    job = batch.wait(batch.start(domain, uri))
    assert job["JobStatus"] == "FAILED"
    assert job["FailureDetails"]["StatusCode"] == code
    assert "secret" not in job["FailureDetails"]["Message"] + caplog.text
    assert job["EndedAt"] >= job["CreatedAt"]
    assert not batch.output_path(job).exists()
    batch.enrol(domain, enrolment("r1", "caller-1"))  # the failed one does not stand in the way


def test_an_output_that_cannot_be_written(batch: Batch, domain: str) -> None:
    (batch.objects / "blocked").write_text("a file in the place of a bucket")
    uri = batch.put(enrolments([enrolment("r1", "caller-1")]))
    job = batch.wait(batch.start(domain, uri, OutputDataConfig={"S3Uri": "s3://blocked/jobs"}))
    assert (job["JobStatus"], job["FailureDetails"]["StatusCode"]) == ("FAILED", 403)
    assert job["FailureDetails"]["Message"].startswith("The output object cannot be written")


def test_an_opt_out_that_races_with_a_job_always_wins(batch: Batch, domain: str) -> None:
    """Four callers opt people out, in another order, while one job enrols the same people."""
    count = 3 * CHUNK
    names = [f"caller-{number}" for number in range(count)]
    uri = batch.put(enrolments([enrolment(name, name) for name in names]))
    config = {"EnrollmentConfig": {"ExistingEnrollmentAction": "OVERWRITE"}}

    def opt_out(part: list[str]) -> None:
        client = batch.service.client()
        for name in part:
            client.opt_out_speaker(DomainId=domain, SpeakerId=name)

    # From both ends of the manifest: the job meets them before and after it was there itself.
    parts = [names[0::6], names[1::6], names[::-1][0::6], names[::-1][1::6]]
    crowd = [threading.Thread(target=opt_out, args=(part,)) for part in parts]
    job = batch.start(domain, uri, **config)
    for member in crowd:
        member.start()
    for member in crowd:
        member.join()
    ended = batch.wait(job)
    asked = {name for part in parts for name in part}
    pages = batch.client.get_paginator("list_speakers").paginate(DomainId=domain)
    status = {one["CustomerSpeakerId"]: one["Status"] for page in pages for one in page["SpeakerSummaries"]}
    assert {name for name, found in status.items() if found == "OPTED_OUT"} == asked
    assert set(status) == set(names)
    decided = lines(batch.output(ended))
    assert {decided[name] for name in asked} <= {"NEW_ENROLLMENT", 409}
    assert all(decided[name] == "NEW_ENROLLMENT" for name in set(names) - asked)
    again, output = batch.enrol(domain, *(enrolment(name, name) for name in sorted(asked)), **config)
    assert again["JobStatus"] == "COMPLETED_WITH_ERRORS"
    assert len(output["Errors"]) == len(asked)


def test_a_job_goes_on_where_a_killed_service_left_it(tmp_path: Path) -> None:
    """Kill the process amid a job; the next one finishes it, and everybody is enrolled once."""
    objects = tmp_path / "objects"
    (objects / "input").mkdir(parents=True)
    count = 100 * CHUNK  # a second's work, of which the kill leaves the most
    options = ("--domain", "a" * 22, "--objects", str(objects))
    data = tmp_path / "data"
    with child(data, *options) as service:
        batch = Batch(service, objects, service.client())
        uri = batch.put(enrolments([enrolment(f"r{n}", f"caller-{n}") for n in range(count)]))
        job = batch.start("a" * 22, uri)
        deadline = time.monotonic() + 600
        while not batch.client.list_speakers(DomainId="a" * 22)["SpeakerSummaries"]:
            assert time.monotonic() < deadline
        assert service.process is not None
        service.process.kill()
        service.process.wait()
    with child(data, *options) as service:
        batch = Batch(service, objects, service.client())
        found = batch.client.describe_speaker_enrollment_job(DomainId="a" * 22, JobId=job["JobId"])["Job"]
        assert found["JobStatus"] == "IN_PROGRESS"
        batch.client.opt_out_speaker(DomainId="a" * 22, SpeakerId=f"caller-{count - 1}")
        ended = batch.wait(job)
        assert ended["JobStatus"] == "COMPLETED_WITH_ERRORS"
        output = batch.output(ended)
        assert lines(output)[f"r{count - 1}"] == 409
        assert len(output["SuccessfulEnrollments"]) == count - 1
        assert {line["EnrollmentStatus"] for line in output["SuccessfulEnrollments"]} == {"NEW_ENROLLMENT"}


def test_fraudsters_are_registered(batch: Batch, domain: str) -> None:
    other = batch.client.create_watchlist(DomainId=domain, Name="other")["Watchlist"]["WatchlistId"]
    default = batch.client.describe_domain(DomainId=domain)["Domain"]["WatchlistDetails"]["DefaultWatchlistId"]
    for watchlist_id, config in ((default, {}), (other, {"RegistrationConfig": {"WatchlistIds": [other]}})):
        uri = batch.put(registrations([registration("r1"), {"RequestId": "r2"}]), "fraud.json")
        job = batch.until(batch.register(domain, uri, **config), ENDED, "fraudster_registration")
        assert job["JobStatus"] == "COMPLETED_WITH_ERRORS"
        output = batch.output(job)
        assert [(line["RequestId"], line["ErrorCode"]) for line in output["Errors"]] == [("r2", 400)]
        (line,) = output["SuccessfulRegistrations"]
        assert line["RegistrationStatus"] == "NEW_REGISTRATION"
        found = batch.client.describe_fraudster(DomainId=domain, FraudsterId=line["GeneratedFraudsterId"])
        assert found["Fraudster"]["WatchlistIds"] == [watchlist_id]


def test_a_full_watchlist(tmp_path: Path) -> None:
    with batches(tmp_path, limits=Limits(fraudsters_per_watchlist=1)) as batch:
        domain = batch.service.new_domain()
        uri = batch.put(registrations([registration("r1"), registration("r2")]))
        job = batch.until(batch.register(domain, uri), ENDED, "fraudster_registration")
        assert json.loads(batch.output_path(job).read_bytes())["Errors"] == [
            {"RequestId": "r2", "ErrorCode": 402, "ErrorMessage": "Fraudster limit exceeded"}
        ]
