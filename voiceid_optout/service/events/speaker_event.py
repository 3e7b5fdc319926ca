"""What a speaker event says: Amazon EventBridge's envelope around Voice ID's detail, without a customer's id."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voiceid_optout.service.db.transaction import Tenant

DETAIL_TYPE = "VoiceId Speaker Action"
SOURCE = "aws.voiceid"


class Action(StrEnum):
    """AWS documents the field and not its values; these are all that this service sends."""

    OPT_OUT = "OPT_OUT_SPEAKER"
    DELETE = "DELETE_SPEAKER"
    ENROLL = "ENROLL_SPEAKER"


class Status(StrEnum):
    """As with Action, the values are this service's own."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True)
class Enrollment:
    """Where an enrolment came from: ``source_id`` is the job's or session's id, never a customer's."""

    source: str
    source_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why it failed; ``message`` must not name a person. ``code`` is the number of the batch output's error."""

    kind: str
    message: str
    code: int


@dataclass(frozen=True, slots=True)
class SpeakerEvent:
    """One thing that happened to one speaker, who is named by the generated id alone."""

    action: Action
    domain_id: str
    generated_speaker_id: str
    status: Status = Status.SUCCESS
    enrollment: Enrollment | None = None
    failure: Failure | None = None


def envelope(event: SpeakerEvent, tenant: Tenant, now: float) -> str:
    """Return the event as one line of JSON; ``now`` is in epoch seconds."""
    detail: dict[str, Any] = {
        "sourceId": str(uuid.uuid4()),
        "action": event.action,
        "status": event.status,
        "domainId": event.domain_id,
        "generatedSpeakerId": event.generated_speaker_id,
    }
    if event.enrollment is not None:
        detail["data"] = _enrollment(event.enrollment)
    if event.failure is not None:
        detail["errorInfo"] = _failure(event.failure)
    whole = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": DETAIL_TYPE,
        "source": SOURCE,
        "account": tenant.account,
        "time": dt.datetime.fromtimestamp(now, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": tenant.region,
        "resources": [tenant.domain_arn(event.domain_id)],
        "detail": detail,
    }
    return json.dumps(whole, separators=(",", ":"))


def _enrollment(enrollment: Enrollment) -> Mapping[str, str]:
    return {
        "enrollmentSource": enrollment.source,
        "enrollmentSourceId": enrollment.source_id,
        "enrollmentStatus": enrollment.status,
    }


def _failure(failure: Failure) -> Mapping[str, Any]:
    return {"errorMessage": failure.message, "errorType": failure.kind, "errorCode": failure.code}
