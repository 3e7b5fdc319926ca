"""Sessions: calls whose speaker is to be recognised. They begin elsewhere; here they are seeded, and evaluated.

No audio is analysed: scores are those of the seed. What is decided live is what the law is about: whether the
person is enrolled, expired or opted out at the moment of the question.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from voiceid_optout.service import ids
from voiceid_optout.service.db.schema import sessions as table
from voiceid_optout.service.db.schema import speakers
from voiceid_optout.service.db.transaction import Request, Result, SpeakerStatus, Transaction
from voiceid_optout.service.errors import not_found
from voiceid_optout.service.operations import domains, watchlists
from voiceid_optout.service.operations.speakers import GENERATED_PREFIX, is_over

ACCEPTANCE_THRESHOLD = 90
RISK_THRESHOLD = 50
ACCESS_GRAIN_SECONDS = 3600


def seed_session(tx: Transaction, request: Request) -> Result:
    """Create the session, or replace the one of this name; results get new ids, as after new speech."""
    domain = domains.find(tx, request["DomainId"])
    place = (table.c.domain_id == domain.domain_id, table.c.session_name == request["SessionName"])
    found = tx.connection.execute(select(table).where(*place)).first()
    if found is not None:
        tx.connection.execute(delete(table).where(*place))
    content = {
        "StreamingStatus": "ENDED",
        "AuthenticationResultId": ids.resource_id(),
        "FraudDetectionResultId": ids.resource_id(),
        "WatchlistId": domain.default_watchlist_id,
        **{name: value for name, value in request.items() if name not in ("DomainId", "SessionName")},
    }
    watchlists.find(tx, domain.domain_id, content["WatchlistId"])
    row = {
        "domain_id": domain.domain_id,
        "session_name": request["SessionName"],
        "session_id": found.session_id if found is not None else ids.speaker_id(),
        "content": json.dumps(content),
        "created_at": tx.now,
    }
    tx.connection.execute(insert(table), row)
    return _evaluated(tx, _find(tx, domain.domain_id, request["SessionName"]))


def evaluate_session(tx: Transaction, request: Request) -> Result:
    """Tell what is known of a call's speaker; an accepted one counts as accessed."""
    domain = domains.active(tx, request["DomainId"])
    return _evaluated(tx, _find(tx, domain.domain_id, request["SessionNameOrId"]))


def _evaluated(tx: Transaction, session: Row[Any]) -> Result:
    seeded = json.loads(session.content)
    result: Result = {
        "DomainId": session.domain_id,
        "SessionId": session.session_id,
        "SessionName": session.session_name,
        "StreamingStatus": seeded["StreamingStatus"],
    }
    if seeded["StreamingStatus"] != "PENDING_CONFIGURATION":  # before that there was no speech to judge
        result["AuthenticationResult"] = _authentication(tx, session, seeded)
        result["FraudDetectionResult"] = _fraud_detection(session, seeded)
    return result


def _authentication(tx: Transaction, session: Row[Any], seeded: Mapping[str, Any]) -> Result:
    threshold = seeded.get("AcceptanceThreshold", ACCEPTANCE_THRESHOLD)
    speaker = _speaker(tx, session.domain_id, seeded.get("CustomerSpeakerId"))
    score = seeded.get("AuthenticationScore")
    decision = _decision("CustomerSpeakerId" in seeded, speaker, score, threshold, tx.now)
    judged = decision in ("ACCEPT", "REJECT")
    if decision == "ACCEPT" and speaker is not None:
        _touch(tx, speaker)
    return {
        "AudioAggregationStartedAt": session.created_at,
        "AudioAggregationEndedAt": session.created_at if judged else None,
        "AuthenticationResultId": seeded["AuthenticationResultId"],
        "Configuration": {"AcceptanceThreshold": threshold},
        "CustomerSpeakerId": seeded.get("CustomerSpeakerId"),
        "GeneratedSpeakerId": speaker.generated_id if speaker is not None else None,
        "Decision": decision,
        "Score": score if judged else None,
    }


def _decision(named: bool, speaker: Row[Any] | None, score: int | None, threshold: int, now: float) -> str:  # noqa: FBT001  a fact, not a switch
    if not named:
        return "SPEAKER_ID_NOT_PROVIDED"
    if speaker is None or speaker.status == SpeakerStatus.PENDING:
        return "SPEAKER_NOT_ENROLLED"
    if speaker.status == SpeakerStatus.OPTED_OUT:
        return "SPEAKER_OPTED_OUT"
    if speaker.status == SpeakerStatus.EXPIRED or is_over(speaker.last_accessed_at, now):
        return "SPEAKER_EXPIRED"
    if score is None:
        return "NOT_ENOUGH_SPEECH"
    return "ACCEPT" if score >= threshold else "REJECT"


def _touch(tx: Transaction, speaker: Row[Any]) -> None:
    # AWS's own accuracy; without it every call of a busy line would be a write.
    if speaker.last_accessed_at is None or speaker.last_accessed_at < tx.now - ACCESS_GRAIN_SECONDS:
        mine = speakers.c.sequence == speaker.sequence
        tx.connection.execute(update(speakers).where(mine).values(last_accessed_at=tx.now))


def _fraud_detection(session: Row[Any], seeded: Mapping[str, Any]) -> Result:
    threshold = seeded.get("RiskThreshold", RISK_THRESHOLD)
    known, spoofing = seeded.get("KnownFraudsterRiskScore"), seeded.get("VoiceSpoofingRiskScore")
    result: Result = {
        "AudioAggregationStartedAt": session.created_at,
        "Configuration": {"RiskThreshold": threshold, "WatchlistId": seeded["WatchlistId"]},
        "FraudDetectionResultId": seeded["FraudDetectionResultId"],
    }
    if known is None and spoofing is None:
        return {**result, "Decision": "NOT_ENOUGH_SPEECH", "Reasons": []}
    scores = {"KNOWN_FRAUDSTER": known or 0, "VOICE_SPOOFING": spoofing or 0}
    reasons = [reason for reason, score in scores.items() if score > threshold]
    return {
        **result,
        "AudioAggregationEndedAt": session.created_at,
        "Decision": "HIGH_RISK" if reasons else "LOW_RISK",
        "Reasons": reasons,
        "RiskDetails": {
            "KnownFraudsterRisk": {
                "RiskScore": known or 0,
                "GeneratedFraudsterId": seeded.get("GeneratedFraudsterId"),
            },
            "VoiceSpoofingRisk": {"RiskScore": spoofing or 0},
        },
    }


def _find(tx: Transaction, domain_id: str, name_or_id: str) -> Row[Any]:
    column = table.c.session_id if name_or_id.startswith(GENERATED_PREFIX) else table.c.session_name
    row = tx.connection.execute(select(table).where(table.c.domain_id == domain_id, column == name_or_id)).first()
    if row is None:
        raise not_found("SESSION")
    return row


def _speaker(tx: Transaction, domain_id: str, customer_id: str | None) -> Row[Any] | None:
    if customer_id is None:
        return None
    query = select(speakers).where(speakers.c.domain_id == domain_id, speakers.c.customer_id == customer_id)
    return tx.connection.execute(query).first()
