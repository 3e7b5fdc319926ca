"""EvaluateSession: what is told of a caller, by the status at the time of the question."""

import json
from typing import Any

import pytest

from tests.service.operations.test_speakers import refused
from tests.service.running import Service


def seed(service: Service, domain: str, name: str = "call-1", **more: Any) -> Any:
    status, text = service.admin("/sessions", {"DomainId": domain, "SessionName": name, **more})
    assert status == 200, text
    return json.loads(text)


def evaluate(service: Service, domain: str, name: str = "call-1") -> Any:
    return service.client().evaluate_session(DomainId=domain, SessionNameOrId=name)


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        (None, "SPEAKER_NOT_ENROLLED"),
        ("PENDING", "SPEAKER_NOT_ENROLLED"),
        ("OPTED_OUT", "SPEAKER_OPTED_OUT"),
        ("EXPIRED", "SPEAKER_EXPIRED"),
        ("ENROLLED", "ACCEPT"),
    ],
)
def test_the_status_decides(service: Service, domain: str, status: str | None, decision: str) -> None:
    if status:
        service.seed(domain, "caller-1", status)
    seed(service, domain, CustomerSpeakerId="caller-1", AuthenticationScore=95)
    result = evaluate(service, domain)["AuthenticationResult"]
    assert result["Decision"] == decision
    assert ("Score" in result) == (decision == "ACCEPT")
    assert result["CustomerSpeakerId"] == "caller-1"
    assert ("GeneratedSpeakerId" in result) == (status is not None)


def test_an_opt_out_during_the_call_counts_at_once(service: Service, domain: str) -> None:
    service.seed(domain, "caller-1", "ENROLLED")
    seed(service, domain, CustomerSpeakerId="caller-1", AuthenticationScore=100)
    assert evaluate(service, domain)["AuthenticationResult"]["Decision"] == "ACCEPT"
    service.client().opt_out_speaker(DomainId=domain, SpeakerId="caller-1")
    result = evaluate(service, domain)["AuthenticationResult"]
    assert result["Decision"] == "SPEAKER_OPTED_OUT"
    assert "Score" not in result


@pytest.mark.parametrize(
    ("score", "threshold", "decision"),
    [
        (None, None, "NOT_ENOUGH_SPEECH"),
        (89, None, "REJECT"),
        (90, None, "ACCEPT"),
        (0, 0, "ACCEPT"),
        (99, 100, "REJECT"),
    ],
)
def test_the_score_decides(
    service: Service, domain: str, score: int | None, threshold: int | None, decision: str
) -> None:
    service.seed(domain, "caller-1", "ENROLLED")
    given: dict[str, Any] = {"AuthenticationScore": score, "AcceptanceThreshold": threshold}
    seed(service, domain, CustomerSpeakerId="caller-1", **{k: v for k, v in given.items() if v is not None})
    result = evaluate(service, domain)["AuthenticationResult"]
    assert result["Decision"] == decision
    assert result.get("Score") == score
    assert result["Configuration"] == {"AcceptanceThreshold": 90 if threshold is None else threshold}


def test_a_call_of_nobody(service: Service, domain: str) -> None:
    seed(service, domain, AuthenticationScore=95)
    result = evaluate(service, domain)["AuthenticationResult"]
    assert result["Decision"] == "SPEAKER_ID_NOT_PROVIDED"
    assert "CustomerSpeakerId" not in result


@pytest.mark.parametrize(
    ("scores", "decision", "reasons"),
    [
        ({}, "NOT_ENOUGH_SPEECH", []),
        ({"KnownFraudsterRiskScore": 50}, "LOW_RISK", []),
        ({"KnownFraudsterRiskScore": 51}, "HIGH_RISK", ["KNOWN_FRAUDSTER"]),
        ({"VoiceSpoofingRiskScore": 51}, "HIGH_RISK", ["VOICE_SPOOFING"]),
        (
            {"KnownFraudsterRiskScore": 2, "VoiceSpoofingRiskScore": 2, "RiskThreshold": 1},
            "HIGH_RISK",
            ["KNOWN_FRAUDSTER", "VOICE_SPOOFING"],
        ),
    ],
)
def test_fraud_detection(
    service: Service, domain: str, scores: dict[str, Any], decision: str, reasons: list[str]
) -> None:
    seed(service, domain, **scores)
    result = evaluate(service, domain)["FraudDetectionResult"]
    assert (result["Decision"], result["Reasons"]) == (decision, reasons)
    assert len(result["Configuration"]["WatchlistId"]) == 22
    assert ("RiskDetails" in result) == bool(scores)


def test_a_session_has_a_name_and_an_id(service: Service, domain: str) -> None:
    made = seed(service, domain, StreamingStatus="ONGOING")
    assert made["SessionId"].startswith("id#")
    found = evaluate(service, domain, made["SessionId"])
    assert found["SessionName"] == "call-1"
    assert found["StreamingStatus"] == "ONGOING"
    again = seed(service, domain, StreamingStatus="ENDED")
    assert again["SessionId"] == made["SessionId"]
    results = "AuthenticationResult", "AuthenticationResultId"
    assert again[results[0]][results[1]] != made[results[0]][results[1]]


def test_before_there_is_speech_there_is_no_result(service: Service, domain: str) -> None:
    seed(service, domain, StreamingStatus="PENDING_CONFIGURATION")
    assert set(evaluate(service, domain)) - {"ResponseMetadata"} == {
        "DomainId",
        "SessionId",
        "SessionName",
        "StreamingStatus",
    }


def test_what_is_missing_is_named(service: Service, domain: str) -> None:
    client = service.client()
    for name in ("call-9", "id#" + "0" * 22):
        response = refused(client, "evaluate_session", DomainId=domain, SessionNameOrId=name)
        assert response["ResourceType"] == "SESSION"
    response = refused(client, "evaluate_session", DomainId="0" * 22, SessionNameOrId="call-1")
    assert response["ResourceType"] == "DOMAIN"


def test_a_suspended_domain_evaluates_nobody(service: Service, domain: str) -> None:
    seed(service, domain)
    service.suspend(domain)
    response = refused(service.client(), "evaluate_session", DomainId=domain, SessionNameOrId="call-1")
    assert response["ConflictType"] == "DOMAIN_NOT_ACTIVE"


def test_a_wrong_seed_is_refused(service: Service, domain: str) -> None:
    for body, words in (
        ({"SessionName": "call-1"}, "domainId"),
        ({"DomainId": domain, "SessionName": "call-1", "AuthenticationScore": 101}, "less than or equal to 100"),
        ({"DomainId": domain, "SessionName": "call-1", "WatchlistId": "0" * 22}, "no watchlist"),
    ):
        status, text = service.admin("/sessions", body)
        assert status in (400, 404)
        assert words in json.loads(text)["message"]
