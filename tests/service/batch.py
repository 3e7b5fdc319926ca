"""Batch jobs for tests: manifests in a folder that stands in for S3, jobs started, waited for, and their output."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.service.running import TIMEOUT, Service, thread

ROLE = "arn:aws:iam::123456789012:role/reader"
AUDIO = [{"S3Uri": "s3://recordings/1.wav", "ChannelId": 0}]
ENDED = ("COMPLETED", "COMPLETED_WITH_ERRORS", "FAILED")
PREFIX = {"enrollment": "start_speaker_enrollment_job", "registration": "start_fraudster_registration_job"}


def enrolment(request_id: str, speaker_id: str, **more: Any) -> dict[str, Any]:
    return {"RequestId": request_id, "SpeakerId": speaker_id, "AudioSpecifications": AUDIO, **more}


def registration(request_id: str) -> dict[str, Any]:
    return {"RequestId": request_id, "AudioSpecifications": AUDIO}


def enrolments(requests: Sequence[Any]) -> bytes:
    return json.dumps({"Version": "1.0", "SpeakerEnrollmentRequests": requests}).encode()


def registrations(requests: Sequence[Any]) -> bytes:
    return json.dumps({"Version": "1.0", "FraudsterRegistrationRequests": requests}).encode()


@dataclass(frozen=True)
class Batch:
    """A service with objects, and a client of it."""

    service: Service
    objects: Path
    client: Any

    def put(self, content: bytes, name: str = "people.json") -> str:
        path = self.objects / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"s3://input/{name}"

    def start(self, domain: str, uri: str, **more: Any) -> Any:
        return self._start("start_speaker_enrollment_job", domain, uri, more)

    def register(self, domain: str, uri: str, **more: Any) -> Any:
        return self._start("start_fraudster_registration_job", domain, uri, more)

    def _start(self, operation: str, domain: str, uri: str, more: Mapping[str, Any]) -> Any:
        given = {
            "DomainId": domain,
            "DataAccessRoleArn": ROLE,
            "InputDataConfig": {"S3Uri": uri},
            "OutputDataConfig": {"S3Uri": "s3://output/jobs"},
            **more,
        }
        return getattr(self.client, operation)(**given)["Job"]

    def wait(self, job: Any) -> Any:
        """Return the job once it has ended."""
        kind = "fraudster_registration" if "RegistrationConfig" in job or job.get("fraud") else "speaker_enrollment"
        return self.until(job, ENDED, kind)

    def until(self, job: Any, statuses: Sequence[str], kind: str = "speaker_enrollment") -> Any:
        describe = getattr(self.client, f"describe_{kind}_job")
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            found = describe(DomainId=job["DomainId"], JobId=job["JobId"])["Job"]
            if found["JobStatus"] in statuses:
                return found
            time.sleep(0.02)
        raise AssertionError(f"the job is {found['JobStatus']}")

    def output_path(self, job: Any) -> Path:
        name = job["InputDataConfig"]["S3Uri"].rpartition("/")[2]
        job_id = str(job["JobId"])
        return self.objects / "output" / "jobs" / job_id / f"{name}.out"

    def output(self, job: Any) -> Any:
        return json.loads(self.output_path(job).read_bytes())

    def enrol(self, domain: str, *requests: Any, **more: Any) -> tuple[Any, Any]:
        """Run a whole job and return it with its output."""
        job = self.wait(self.start(domain, self.put(enrolments(requests)), **more))
        return job, self.output(job)

    def status(self, domain: str, speaker_id: str) -> str:
        return str(self.client.describe_speaker(DomainId=domain, SpeakerId=speaker_id)["Speaker"]["Status"])


@contextmanager
def batches(folder: Path, **settings: Any) -> Iterator[Batch]:
    """Run a service with a folder of objects for the time of the block."""
    objects = folder / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    with thread(folder / "data", objects=str(objects), **settings) as service:
        yield Batch(service, objects, service.client())
