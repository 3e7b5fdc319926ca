"""Client of the Voice ID API: what the service answers, typed, and what can go wrong, one class a cause.

No message carries a speaker's identifier, so every one of them may be shown, logged and stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, NamedTuple, Self

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


class SignatureRejected(CredentialsRejected):
    """The signature is not accepted: the secret is another one, or the clocks are apart."""


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


class Speaker(NamedTuple):
    """One speaker of a domain.

    ``customer_speaker_id`` is the identifier of a person and stays out of ``repr``. ``generated_speaker_id``
    is the service's own name for the record (``id#`` and 22 characters), new after every re-creation. ``created``
    and ``updated`` are epoch seconds, as the wire has them. A tuple, because a walk makes a million.
    """

    domain_id: str
    customer_speaker_id: str | None
    generated_speaker_id: str
    status: SpeakerStatus
    created: float
    updated: float

    def __repr__(self) -> str:
        """Return what identifies nobody."""
        return f"Speaker({self.domain_id}, {self.status})"

    @classmethod
    def from_api(cls, answer: Mapping[str, Any]) -> Self:
        """Build from ``Speaker`` or ``SpeakerSummary``, as the wire has them or as botocore parses them.

        Raises KeyError, TypeError or ValueError if a member is missing, or is not one of the API's.
        """
        customer_id, generated_id = answer.get("CustomerSpeakerId"), answer["GeneratedSpeakerId"]
        if not (isinstance(generated_id, str) and (customer_id is None or isinstance(customer_id, str))):
            raise TypeError("a speaker's ids are texts")
        return cls(
            answer["DomainId"],
            customer_id,
            generated_id,
            _STATUSES[answer["Status"]],
            _seconds(answer["CreatedAt"]),
            _seconds(answer["UpdatedAt"]),
        )

    @property
    def created_at(self) -> datetime:
        """When the record was made; aware and UTC."""
        return datetime.fromtimestamp(self.created, UTC)

    @property
    def updated_at(self) -> datetime:
        """When the status or an id changed last; aware and UTC."""
        return datetime.fromtimestamp(self.updated, UTC)

    def names(self) -> tuple[str, ...]:
        """Return both identifiers under which the service knows this speaker."""
        if self.customer_speaker_id is None:
            return (self.generated_speaker_id,)
        return (self.customer_speaker_id, self.generated_speaker_id)


def _seconds(time: datetime | float) -> float:
    return time.timestamp() if isinstance(time, datetime) else float(time)


_STATUSES = {status.value: status for status in SpeakerStatus}


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
