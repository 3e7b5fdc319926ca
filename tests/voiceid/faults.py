"""Every way in which a call of OptOutSpeaker fails, as the wire has it, with a person's id in each text."""

from tests.voiceid.scripted import Answer, failure
from voiceid_optout import voiceid

PLANTED = "planted-4711-caller"
TEXT = f"1 validation error: Value '{PLANTED}' at 'speakerId'"

ANSWERS: dict[str, tuple[Answer, type[voiceid.VoiceIdError], str]] = {
    "domain": (
        failure("ResourceNotFoundException", text=TEXT, ResourceType="DOMAIN"),
        voiceid.UnknownDomain,
        "voiceid-optout:domains",
    ),
    "speaker": (
        failure("ResourceNotFoundException", text=TEXT, ResourceType="SPEAKER"),
        voiceid.UnknownSpeaker,
        "no such speaker",
    ),
    "something": (failure("ResourceNotFoundException", text=TEXT), voiceid.UnexpectedAnswer, "without saying what"),
    "suspended": (
        failure("ConflictException", text=TEXT, ConflictType="DOMAIN_NOT_ACTIVE"),
        voiceid.DomainNotActive,
        "restore it",
    ),
    "racing": (
        failure("ConflictException", text=TEXT, ConflictType="CONCURRENT_CHANGES"),
        voiceid.ConcurrentChanges,
        "who else writes",
    ),
    "other conflict": (
        failure("ConflictException", text=TEXT, ConflictType="SPEAKER_OPTED_OUT"),
        voiceid.Conflict,
        "SPEAKER_OPTED_OUT",
    ),
    "unclean conflict": (
        failure("ConflictException", text=TEXT, ConflictType=PLANTED),
        voiceid.Conflict,
        "unnamed conflict",
    ),
    "denied": (failure("AccessDeniedException", text=TEXT), voiceid.AccessDenied, "voiceid:OptOutSpeaker"),
    "unknown key": (
        failure("UnrecognizedClientException", text=TEXT),
        voiceid.CredentialsRejected,
        "UnrecognizedClientException",
    ),
    "bad signature": (failure("InvalidSignatureException", text=TEXT), voiceid.SignatureRejected, "clock"),
    "expired": (failure("ExpiredTokenException", text=TEXT), voiceid.CredentialsRejected, "session token"),
    "throttled": (failure("ThrottlingException", text=TEXT), voiceid.Throttled, "voiceid-optout:quotas"),
    "full": (failure("ServiceQuotaExceededException", text=TEXT), voiceid.QuotaExceeded, "raise its quota"),
    "invalid": (failure("ValidationException", text=TEXT), voiceid.RequestInvalid, "register"),
    "internal": (failure("InternalServerException", text=TEXT, status=500), voiceid.ServiceFault, "HTTP 500"),
    "bad gateway": (Answer(TEXT.encode(), 502), voiceid.ServiceFault, "HTTP 502"),
    "other service": (failure(PLANTED, text=TEXT, status=404), voiceid.UnexpectedAnswer, "HTTP 404"),
    "not JSON": (Answer(TEXT.encode()), voiceid.UnexpectedAnswer, "another form"),
    "no speaker": (Answer({"Speaker": {"CustomerSpeakerId": PLANTED}}), voiceid.UnexpectedAnswer, "leaves out"),
    "odd status": (
        Answer({"Speaker": {"Status": PLANTED, "DomainId": "x", "GeneratedSpeakerId": "x"}}),
        voiceid.UnexpectedAnswer,
        "leaves out",
    ),
}
