"""What a batch job does to people is told as events, which name nobody."""

import json
import time
from pathlib import Path
from typing import Any

from tests.service.batch import batches, enrolment
from tests.service.running import TIMEOUT
from voiceid_optout.service.operations.job_steps import EVENT_SOURCE
from voiceid_optout.service.settings import EventSinks


def delivered(path: Path, count: int) -> list[Any]:
    """Return the details of the events, once so many have come."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        lines = path.read_text().splitlines() if path.exists() else []
        if len(lines) >= count:
            return [json.loads(line)["detail"] for line in lines]
        time.sleep(0.02)
    raise AssertionError(f"{len(lines)} events of {count}")


def test_each_person_of_a_job_has_an_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with batches(tmp_path, events=EventSinks(file=path)) as batch:
        domain = batch.service.new_domain()
        opted_out = batch.client.opt_out_speaker(DomainId=domain, SpeakerId="planted-4711")["Speaker"]
        job, _ = batch.enrol(domain, enrolment("r1", "planted-4711"), enrolment("r2", "planted-4712"))
        enrolled = batch.client.describe_speaker(DomainId=domain, SpeakerId="planted-4712")["Speaker"]
        _, refused, done = delivered(path, 3)
    assert (refused["action"], refused["status"]) == ("ENROLL_SPEAKER", "FAILURE")
    assert refused["generatedSpeakerId"] == opted_out["GeneratedSpeakerId"]
    assert refused["errorInfo"]["errorCode"] == 409
    assert (done["action"], done["status"]) == ("ENROLL_SPEAKER", "SUCCESS")
    assert done["generatedSpeakerId"] == enrolled["GeneratedSpeakerId"]
    assert done["data"] == {
        "enrollmentSource": EVENT_SOURCE,
        "enrollmentSourceId": job["JobId"],
        "enrollmentStatus": "NEW_ENROLLMENT",
    }
    assert "planted" not in path.read_text()
