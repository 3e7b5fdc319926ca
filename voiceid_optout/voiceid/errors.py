"""What can go wrong between us and Voice ID: one root, one class a cause.

No message carries a speaker's identifier, so every one of them may be shown, logged and stored.
"""
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
