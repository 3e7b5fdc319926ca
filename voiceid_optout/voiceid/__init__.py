"""Client of the Voice ID API: what the service answers, typed, and what can go wrong, one class a cause.

No message carries a speaker's identifier, so every one of them may be shown, logged and stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, Self

from voiceid_optout.speakers import SpeakerStatus

# ruff: noqa: N818 - named for what is the case, which reads better in an except clause than a row of Errors


class VoiceIdError(Exception):
    """Root of all errors of this package; the text is one line that says what to do."""


class SettingsInvalid(VoiceIdError):
    """A setting of the client is missing or malformed; nothing was sent."""


class UnknownDomain(VoiceIdError):
    """The service does not have this domain (ResourceNotFoundException, ResourceType DOMAIN)."""


class UnknownSpeaker(VoiceIdError):
    """The service does not have this speaker and cannot create it (ResourceType SPEAKER)."""


class DomainNotActive(VoiceIdError):
    """The domain is suspended or pending (ConflictException, DOMAIN_NOT_ACTIVE)."""


class ConcurrentChanges(VoiceIdError):
    """Another caller kept changing the same speaker (ConflictException, CONCURRENT_CHANGES)."""


class Conflict(VoiceIdError):
    """Any other ConflictException."""


class AccessDenied(VoiceIdError):
    """The credentials are good but may not do this."""


class CredentialsRejected(VoiceIdError):
    """The service does not accept the key, its signature or its session token."""


class CredentialsMissing(VoiceIdError):
    """No AWS credentials were found, or only half of them."""


class EndpointUnreachable(VoiceIdError):
    """No answer from the endpoint: refused, unknown host, timeout, TLS, cut connection."""


class Throttled(VoiceIdError):
    """Still throttled after all retries.

    ``retry_after`` is what the service asked for, in seconds; 0.0 if it named no time.
    """

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QuotaExceeded(VoiceIdError):
    """The domain holds as many speakers as its quota allows."""


class RequestInvalid(VoiceIdError):
    """The service, or botocore before it, found the request malformed."""


class ServiceFault(VoiceIdError):
    """The service failed (HTTP 5xx) after all retries."""


class UnexpectedAnswer(VoiceIdError):
    """The answer is not one that Voice ID gives: most likely another service listens there."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One speaker of a domain; times are aware and UTC.

    ``customer_speaker_id`` is the identifier of a person and stays out of ``repr``. ``generated_speaker_id``
    is the service's own name for the record (``id#`` and 22 characters), new after every re-creation.
    """

    domain_id: str
    customer_speaker_id: str | None = field(repr=False)
    generated_speaker_id: str
    status: SpeakerStatus
    created_at: datetime
    updated_at: datetime

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Self:
        """Build from ``Speaker`` or ``SpeakerSummary`` as botocore parses them.

        Raises KeyError or ValueError if a member is missing or the status is not one of the API's.
        """
        return cls(
            domain_id=answer["DomainId"],
            customer_speaker_id=answer.get("CustomerSpeakerId"),
            generated_speaker_id=answer["GeneratedSpeakerId"],
            status=SpeakerStatus(answer["Status"]),
            created_at=answer["CreatedAt"],
            updated_at=answer["UpdatedAt"],
        )

    def names(self) -> tuple[str, ...]:
        """Return both identifiers under which the service knows this speaker."""
        if self.customer_speaker_id is None:
            return (self.generated_speaker_id,)
        return (self.customer_speaker_id, self.generated_speaker_id)


class Unknown(Enum):
    """What a snapshot answers that knows neither a speaker nor its absence."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain; ``status`` is ACTIVE, PENDING or SUSPENDED."""

    domain_id: str
    name: str
    status: str

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Self:
        """Build from ``Domain`` as botocore parses it."""
        return cls(domain_id=answer["DomainId"], name=answer["Name"], status=answer["DomainStatus"])
