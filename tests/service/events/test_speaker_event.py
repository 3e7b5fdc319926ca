import json

import pytest

from voiceid_optout.service.db.transaction import Tenant
from voiceid_optout.service.events.speaker_event import Action, Enrollment, Failure, SpeakerEvent, Status, envelope

DOMAIN = "UcUuCPFOsAjzg9xoByUatN"
GENERATED = "id#AbCdEfGhIjKlMnOpQrStUv"
TENANT = Tenant("eu-west-2", "111122223333")


def test_the_envelope_of_an_opt_out_is_eventbridge_s() -> None:
    event = json.loads(envelope(SpeakerEvent(Action.OPT_OUT, DOMAIN, GENERATED), TENANT, 1767323045.678))
    assert len(event.pop("id")) == 36
    assert len(event["detail"].pop("sourceId")) == 36
    assert event == {
        "version": "0",
        "detail-type": "VoiceId Speaker Action",
        "source": "aws.voiceid",
        "account": "111122223333",
        "time": "2026-01-02T03:04:05Z",
        "region": "eu-west-2",
        "resources": [f"arn:aws:voiceid:eu-west-2:111122223333:domain/{DOMAIN}"],
        "detail": {
            "action": "OPT_OUT_SPEAKER",
            "status": "SUCCESS",
            "domainId": DOMAIN,
            "generatedSpeakerId": GENERATED,
        },
    }


def test_an_enrolment_that_failed_says_where_from_and_why() -> None:
    event = SpeakerEvent(
        Action.ENROLL,
        DOMAIN,
        GENERATED,
        Status.FAILURE,
        Enrollment("BATCH", "j" * 22, "FAILED"),
        Failure("ConflictException", "The speaker has opted out.", 409),
    )
    detail = json.loads(envelope(event, TENANT, 0))["detail"]
    assert detail["status"] == "FAILURE"
    assert detail["data"] == {
        "enrollmentSource": "BATCH",
        "enrollmentSourceId": "j" * 22,
        "enrollmentStatus": "FAILED",
    }
    assert detail["errorInfo"] == {
        "errorMessage": "The speaker has opted out.",
        "errorType": "ConflictException",
        "errorCode": 409,
    }


@pytest.mark.parametrize("action", Action)
def test_it_is_one_line(action: Action) -> None:
    assert "\n" not in envelope(SpeakerEvent(action, DOMAIN, GENERATED), TENANT, 0)
