"""What every client does: the whole life of a domain and of what is in it, pages, and every typed error.

The scenarios speak to a ``Client``, behind which is boto3, the AWS CLI or an SDK of another language; all of them
send real requests to a real service and give back what they made of the answer.
"""

import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.service.batch import ENDED, ROLE, enrolment, enrolments, registration, registrations
from tests.service.running import TIMEOUT, Service

KEY = {"KmsKeyId": "alias/voice"}
NOBODY = "0" * 22


@dataclass(frozen=True)
class Answer:
    """What a client made of an answer; ``typed``: it raised the error's own class."""

    output: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    typed: bool = False
    message: str = ""
    conflict: str | None = None
    resource: str | None = None


class Client(Protocol):
    """A client of the service. ``shows_members``: it gives the members that single errors have."""

    @property
    def shows_members(self) -> bool: ...

    def answer(self, operation: str, given: dict[str, Any]) -> Answer:
        """Make one call, without retries."""


@dataclass(frozen=True)
class Stage:
    """A client, the service it speaks to, and the folder that stands in for S3."""

    client: Client
    service: Service
    objects: Path
    sent: dict[str, int] = field(default_factory=dict)  # when each call was answered last, in seconds

    def call(self, operation: str, **given: Any) -> dict[str, Any]:
        """Make a call that must succeed."""
        answer = self._answer(operation, given)
        assert answer.error is None, f"{operation}: {answer.error}: {answer.message}"
        return answer.output

    def refused(self, error: str, operation: str, **given: Any) -> Answer:
        """Make a call that must fail in this way, with the error's own class."""
        answer = self._answer(operation, given)
        assert (answer.error, answer.typed) == (error, True), answer
        return answer

    def _answer(self, operation: str, given: dict[str, Any]) -> Answer:
        """Make a call and say what came of it: docs/clients.md keeps that."""
        call = f"{operation} {json.dumps(given, sort_keys=True)}"
        while int(time.time()) == self.sent.get(call):
            time.sleep(0.01)  # in the same second the signature is the same, and so is the answer
        answer = self.client.answer(operation, given)
        if not operation.startswith(("Describe", "List")):  # these change nothing, so they are answered anew
            self.sent[call] = int(time.time())
        seen = " ".join(filter(None, (answer.error, answer.conflict, answer.resource))) or "done"
        print(f"  {operation}: {seen}")
        return answer

    def pages(self, operation: str, key: str, size: int, **given: Any) -> list[list[dict[str, Any]]]:
        """Return all pages of a listing."""
        found = []
        token: dict[str, str] = {}
        while True:
            page = self.call(operation, **given, MaxResults=size, **token)
            found.append(page.get(key, []))
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}

    def put(self, name: str, content: bytes) -> str:
        """Lay an input file where jobs find it."""
        (self.objects / "input").mkdir(exist_ok=True)
        (self.objects / "input" / name).write_bytes(content)
        return f"s3://input/{name}"

    def finished(self, kind: str, job: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Wait for a job; return it and its output file."""
        deadline = time.monotonic() + TIMEOUT
        while (found := self.call(f"Describe{kind}", DomainId=job["DomainId"], JobId=job["JobId"])["Job"])[
            "JobStatus"
        ] not in ENDED:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (path,) = (self.objects / "output" / "jobs" / job["JobId"]).iterdir()
        return found, json.loads(path.read_bytes())


def domain_and_speaker(stage: Stage) -> None:
    """The life of a domain and of the people in it."""
    given: dict[str, Any] = {
        "Name": "sales",
        "ServerSideEncryptionConfiguration": KEY,
        "Description": "Zürich / Köln",
    }
    tags = [{"Key": "team", "Value": "privacy"}]
    given |= {"Tags": tags, "ClientToken": uuid.uuid4().hex}
    made, again = (stage.call("CreateDomain", **given)["Domain"] for _ in range(2))
    assert again == made
    assert (made["DomainStatus"], made["Description"]) == ("ACTIVE", "Zürich / Köln")
    assert made["CreatedAt"]
    domain, arn = {"DomainId": made["DomainId"]}, made["Arn"]
    assert stage.call("DescribeDomain", **domain)["Domain"] == made
    listed = [one["DomainId"] for page in stage.pages("ListDomains", "DomainSummaries", 1) for one in page]
    assert made["DomainId"] in listed
    updated = stage.call("UpdateDomain", **domain, Name="service", ServerSideEncryptionConfiguration=KEY)["Domain"]
    assert (updated["Name"], updated.get("Description")) == ("service", None)
    stage.call("TagResource", ResourceArn=arn, Tags=[{"Key": "city", "Value": "Zürich"}])
    stage.call("UntagResource", ResourceArn=arn, TagKeys=["team"])
    assert stage.call("ListTagsForResource", ResourceArn=arn)["Tags"] == [{"Key": "city", "Value": "Zürich"}]

    speaker = stage.call("OptOutSpeaker", **domain, SpeakerId="caller-1")["Speaker"]
    assert (speaker["Status"], speaker["CustomerSpeakerId"]) == ("OPTED_OUT", "caller-1")
    by_other_id = stage.call("DescribeSpeaker", **domain, SpeakerId=speaker["GeneratedSpeakerId"])["Speaker"]
    assert by_other_id == speaker
    for name in ("caller-2", "caller-3"):
        stage.call("OptOutSpeaker", **domain, SpeakerId=name)
    pages = stage.pages("ListSpeakers", "SpeakerSummaries", 2, **domain)
    names = [[one["CustomerSpeakerId"] for one in page] for page in pages]
    assert names == [["caller-1", "caller-2"], ["caller-3"]]
    assert stage.call("DeleteSpeaker", **domain, SpeakerId="caller-1") == {}
    gone = stage.refused("ResourceNotFoundException", "DescribeSpeaker", **domain, SpeakerId="caller-1")
    assert gone.resource == ("SPEAKER" if stage.client.shows_members else gone.resource)
    assert stage.call("DeleteDomain", **domain) == {}
    assert stage.call("DescribeDomain", **domain)["Domain"]["DomainStatus"] == "SUSPENDED"


def jobs_watchlists_and_sessions(stage: Stage) -> None:
    """Batch jobs with an opted-out person, fraudsters on watchlists, and a call of somebody who opted out."""
    domain = {"DomainId": stage.service.new_domain()}
    stage.call("OptOutSpeaker", **domain, SpeakerId="caller-out")
    people = enrolments([enrolment("r1", "caller-1"), enrolment("r2", "caller-out")])
    where = {
        "DataAccessRoleArn": ROLE,
        "InputDataConfig": {"S3Uri": stage.put("people.json", people)},
        "OutputDataConfig": {"S3Uri": "s3://output/jobs"},
    }
    job = stage.call("StartSpeakerEnrollmentJob", **domain, **where, JobName="nightly")["Job"]
    assert job["JobStatus"] == "SUBMITTED"
    found, output = stage.finished("SpeakerEnrollmentJob", job)
    assert found["JobStatus"] == "COMPLETED_WITH_ERRORS"
    assert [(line["RequestId"], line["ErrorCode"]) for line in output["Errors"]] == [("r2", 409)]
    ((summary,),) = stage.pages("ListSpeakerEnrollmentJobs", "JobSummaries", 5, **domain)
    assert (summary["JobId"], summary["JobName"]) == (job["JobId"], "nightly")
    assert stage.call("DescribeSpeaker", **domain, SpeakerId="caller-out")["Speaker"]["Status"] == "OPTED_OUT"

    name = stage.call("CreateWatchlist", **domain, Name="known", Description="Köln")["Watchlist"]["WatchlistId"]
    watchlist = {**domain, "WatchlistId": name}
    assert stage.call("UpdateWatchlist", **watchlist, Name="new")["Watchlist"]["Name"] == "new"
    assert stage.call("DescribeWatchlist", **watchlist)["Watchlist"]["Description"] == "Köln"
    assert [len(page) for page in stage.pages("ListWatchlists", "WatchlistSummaries", 1, **domain)] == [1, 1]
    where["InputDataConfig"] = {"S3Uri": stage.put("fraud.json", registrations([registration("r1")]))}
    job = stage.call("StartFraudsterRegistrationJob", **domain, **where)["Job"]
    found, output = stage.finished("FraudsterRegistrationJob", job)
    assert found["JobStatus"] == "COMPLETED"
    ((summary,),) = stage.pages("ListFraudsterRegistrationJobs", "JobSummaries", 5, **domain)
    assert summary["JobId"] == job["JobId"]
    fraudster = {**domain, "FraudsterId": output["SuccessfulRegistrations"][0]["GeneratedFraudsterId"]}
    assert len(stage.call("AssociateFraudster", **fraudster, WatchlistId=name)["Fraudster"]["WatchlistIds"]) == 2
    assert len(stage.pages("ListFraudsters", "FraudsterSummaries", 5, **watchlist)[0]) == 1
    conflict = stage.refused("ConflictException", "DeleteWatchlist", **watchlist)
    assert conflict.conflict == (
        "CANNOT_DELETE_NON_EMPTY_WATCHLIST" if stage.client.shows_members else conflict.conflict
    )
    stage.call("DisassociateFraudster", **fraudster, WatchlistId=name)
    assert name not in stage.call("DescribeFraudster", **fraudster)["Fraudster"]["WatchlistIds"]
    assert stage.call("DeleteFraudster", **fraudster) == {}
    assert stage.call("DeleteWatchlist", **watchlist) == {}

    session = {"SessionName": "call-1", "CustomerSpeakerId": "caller-out", "AuthenticationScore": 99}
    assert stage.service.admin("/sessions", {**domain, **session})[0] == 200
    result = stage.call("EvaluateSession", **domain, SessionNameOrId="call-1")["AuthenticationResult"]
    assert (result["Decision"], result.get("Score")) == ("SPEAKER_OPTED_OUT", None)


def every_typed_error(stage: Stage) -> None:
    """All seven errors of the model, with the members that two of them have."""
    domain = {"DomainId": stage.service.new_domain()}
    person = {**domain, "SpeakerId": "caller-secret"}
    for fault, error in (
        ("INTERNAL_SERVER", "InternalServerException"),
        ("ACCESS_DENIED", "AccessDeniedException"),
    ):
        stage.service.admin("/faults", {"Operation": "OptOutSpeaker", "Fault": fault, "Count": 1})
        assert stage.refused(error, "OptOutSpeaker", **person).message
    _until_throttled(stage, **domain, FraudsterId="id#" + NOBODY)
    shown = stage.client.shows_members
    answer = stage.refused("ResourceNotFoundException", "OptOutSpeaker", DomainId=NOBODY, SpeakerId="caller-secret")
    assert answer.resource == ("DOMAIN" if shown else answer.resource)
    stage.service.suspend(domain["DomainId"])
    answer = stage.refused("ConflictException", "OptOutSpeaker", **person)
    assert answer.conflict == ("DOMAIN_NOT_ACTIVE" if shown else answer.conflict)
    assert answer.message.startswith("The domain is not active.")
    answer = stage.refused("ValidationException", "OptOutSpeaker", DomainId="a" * 40, SpeakerId="#secret!")
    assert "3 validation errors detected" in answer.message
    assert "secret" not in answer.message
    watchlists = {"DomainId": stage.service.new_domain(), "Name": "known"}
    for _ in range(2):
        stage.call("CreateWatchlist", **watchlists)
    stage.refused("ServiceQuotaExceededException", "CreateWatchlist", **watchlists)


def _until_throttled(stage: Stage, **place: Any) -> None:
    """Make calls as quickly as the client can, until the service's quota of them is used up."""
    for _ in range(20):
        answer = stage.client.answer("DeleteFraudster", place)
        if answer.error == "ThrottlingException":
            print(f"  DeleteFraudster: {answer.error}")
            assert answer.typed
            return
        assert answer.error == "ResourceNotFoundException"
    raise AssertionError("twenty calls within the quota")


SCENARIOS = (domain_and_speaker, jobs_watchlists_and_sessions, every_typed_error)
