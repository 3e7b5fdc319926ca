"""From botocore's exceptions to ours.

botocore's texts are never passed on: a validation text quotes the value it refuses, which may be a person.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore import exceptions as aws

from voiceid_optout.voiceid import credential_faults, errors
from voiceid_optout.voiceid.errors import VoiceIdError
from voiceid_optout.voiceid.precedence import ENDPOINT_VARIABLE

THROTTLES = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})
REJECTED = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignatureException",
        "MissingAuthenticationTokenException",
        "MissingAuthenticationToken",
        "ExpiredTokenException",
        "ExpiredToken",
        "RequestExpired",
    }
)
UNREACHABLE = (
    aws.ConnectionError,
    aws.HTTPClientError,
    aws.ConnectionClosedError,
    aws.ReadTimeoutError,
    aws.ResponseStreamingError,
)
SERVER_FAULT = 500
_KEYS = {
    "DeleteSpeaker": "--role reconcile --may-release",
    "OptOutSpeaker": "--role reconcile",
}
"""What a key of our own service needs for an operation, where reading is not enough."""
PAUSED = "Paced."  # set before a throttle's code by the client, so that the SDK does not repeat the call


def translate(error: Exception, *, operation: str, place: str, domain_id: str) -> VoiceIdError:
    """Return our error for one of botocore's; ``place`` names the endpoint in the message."""
    if isinstance(error, aws.ClientError):
        if error.operation_name != operation:
            return credential_faults.refused(error)
        return _answered(error.response, operation, place, domain_id)
    if isinstance(error, credential_faults.FINDING):
        return credential_faults.not_found(error, place)
    if isinstance(error, aws.SSLError):
        return credential_faults.insecure(error, place)
    if isinstance(error, UNREACHABLE):
        return errors.EndpointUnreachable(
            f"{place} does not answer ({type(error).__name__}): start the service, "
            f"or correct voiceid-optout:endpoint or {ENDPOINT_VARIABLE}"
        )
    if isinstance(error, aws.ParamValidationError):
        return errors.RequestInvalid(f"{operation} was not sent: its domain or speaker id is malformed")
    return errors.UnexpectedAnswer(f"{operation} on {place} failed in the AWS SDK: {type(error).__name__}")


def _answered(response: Mapping[str, Any], operation: str, place: str, domain_id: str) -> VoiceIdError:
    code = str(response.get("Error", {}).get("Code", "")).removeprefix(PAUSED)
    meta = response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    if code in THROTTLES or status == 429:  # noqa: PLR2004 - the HTTP status Too Many Requests
        text = f"{place} still throttles {operation} after all retries: lower voiceid-optout:quotas or try later"
        return errors.Throttled(text, _retry_after(meta.get("HTTPHeaders", {})))
    if code in REJECTED:
        return errors.CredentialsRejected(
            f"{place} rejects the AWS credentials ({code}): check the key, its secret, the session token, "
            "the region and this machine's clock"
        )
    if make := _BY_CODE.get(code):
        return make(response, operation, f"{place}: domain {domain_id}")
    if status >= SERVER_FAULT:
        return _fault(response, operation, place)
    return errors.UnexpectedAnswer(
        f"{place} gives HTTP {status} to {operation}, which Voice ID does not: see what listens there, "
        f"and voiceid-optout:endpoint or {ENDPOINT_VARIABLE}"
    )


def _not_found(response: Mapping[str, Any], operation: str, subject: str) -> VoiceIdError:
    kind = response.get("ResourceType")
    if kind == "SPEAKER":
        return errors.UnknownSpeaker(f"{subject} has no such speaker ({operation}); an id#... must exist already")
    if kind == "DOMAIN":
        return errors.UnknownDomain(
            f"{subject} is unknown there: check the domain in the register and voiceid-optout:domains, "
            "the region, and whether this is the right endpoint"
        )
    return errors.UnexpectedAnswer(f"{subject}: {operation} was answered 'not found' without saying what")


def _conflict(response: Mapping[str, Any], operation: str, subject: str) -> VoiceIdError:
    kind = response.get("ConflictType")
    if kind == "DOMAIN_NOT_ACTIVE":
        return errors.DomainNotActive(
            f"{subject} is not active, so {operation} is refused: restore it, or take it out of the register"
        )
    if kind == "CONCURRENT_CHANGES":
        return errors.ConcurrentChanges(
            f"{subject} changed under {operation} at every try: see who else writes, and try again"
        )
    return errors.Conflict(f"{subject} refuses {operation} ({_word(kind)})")


def _denied(_: Mapping[str, Any], operation: str, subject: str) -> VoiceIdError:
    key = _KEYS.get(operation, "--role read")
    return errors.AccessDenied(
        f"{subject} denies {operation}: allow voiceid:{operation} to these credentials, and kms:Decrypt on the "
        f"domain's key; on a service of your own, use a key made with `optout serve keys add {key}`"
    )


def _quota(_: Mapping[str, Any], operation: str, subject: str) -> VoiceIdError:
    return errors.QuotaExceeded(f"{subject} is full, so {operation} is refused: raise its quota of speakers")


def _invalid(_: Mapping[str, Any], operation: str, subject: str) -> VoiceIdError:
    return errors.RequestInvalid(f"{subject} finds {operation} malformed: check the entry's id in the register")


def _fault(response: Mapping[str, Any], operation: str, subject: str) -> VoiceIdError:
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?")
    return errors.ServiceFault(f"{subject} failed on {operation} (HTTP {status}) after all retries: try later")


def _word(kind: object) -> str:
    """Return a code from the wire only if it is one word in capitals: nothing else may reach a message."""
    text = str(kind)
    return text if text.replace("_", "").isalpha() and text.isupper() else "unnamed conflict"


def _retry_after(headers: Mapping[str, str]) -> float:
    """Read ``x-amz-retry-after`` (milliseconds) or ``retry-after`` (seconds); at most a minute."""
    for name, unit in (("x-amz-retry-after", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "")
        if text.isascii() and text.isdigit():
            return min(int(text) * unit, 60.0)
    return 0.0


_BY_CODE: dict[str, Callable[[Mapping[str, Any], str, str], VoiceIdError]] = {
    "ResourceNotFoundException": _not_found,
    "ConflictException": _conflict,
    "AccessDeniedException": _denied,
    "ServiceQuotaExceededException": _quota,
    "ValidationException": _invalid,
    "SerializationException": _invalid,
    "InternalServerException": _fault,
}
