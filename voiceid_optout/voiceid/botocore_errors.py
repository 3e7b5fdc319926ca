"""From botocore's exceptions to ours, those of profiles, logins and roles among them.

botocore's texts are never passed on: a validation text quotes the value it refuses, which may be a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore import exceptions as aws

from voiceid_optout import voiceid as errors
from voiceid_optout.voiceid.aws_config import ENDPOINT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceid_optout.voiceid import VoiceIdError

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
# What a clock that is wrong leads to, the machine's or that of one of several machines of the service.
MISSIGNED = frozenset({"InvalidSignatureException", "SignatureDoesNotMatch", "RequestExpired"})
UNREACHABLE = (aws.ConnectionError, aws.HTTPClientError)
UNKNOWN_KEY = frozenset({"InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException"})
MALFORMED = frozenset({"ValidationError", "MalformedPolicyDocument", "PackedPolicyTooLarge"})
LOGIN = (aws.SSOError, aws.TokenRetrievalError)
CREDENTIAL_ERRORS = (
    *(aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.ProfileNotFound),
    *(aws.InvalidConfigError, aws.ConfigParseError, *LOGIN),
)
SERVER_FAULT = 500
_KEYS = {
    "DeleteSpeaker": "--role reconcile --may-release",
    "OptOutSpeaker": "--role reconcile",
}
"""What a key of our own service needs for an operation, where reading is not enough."""
PACED_PREFIX = "Paced."  # set before a throttle's code by the client, so that the SDK does not repeat the call


def translate(error: Exception, *, operation: str, place: str, domain_id: str) -> VoiceIdError:
    """Return our error for one of botocore's; ``place`` names the endpoint in the message."""
    if isinstance(error, aws.ClientError):
        if error.operation_name != operation:
            return profile_refused(error)
        return _from_answer(error.response, operation, place, domain_id)
    if isinstance(error, CREDENTIAL_ERRORS):
        return credentials_not_found(error, place)
    if isinstance(error, aws.SSLError):
        return tls_failed(error, place)
    if isinstance(error, UNREACHABLE):
        return errors.EndpointUnreachable(
            f"{place} does not answer ({type(error).__name__}): start the service, "
            f"or correct voiceid-optout:endpoint or {ENDPOINT_VARIABLE}"
        )
    if isinstance(error, aws.ParamValidationError):
        return errors.RequestInvalid(f"{operation} was not sent: its domain or speaker id is malformed")
    return errors.UnexpectedAnswer(f"{operation} on {place} failed in the AWS SDK: {type(error).__name__}")


def _from_answer(response: Mapping[str, Any], operation: str, place: str, domain_id: str) -> VoiceIdError:
    code = str(response.get("Error", {}).get("Code", "")).removeprefix(PACED_PREFIX)
    meta = response.get("ResponseMetadata", {})
    status = int(meta.get("HTTPStatusCode", 0))
    if code in THROTTLES or status == 429:  # noqa: PLR2004 - the HTTP status Too Many Requests
        text = f"{place} still throttles {operation} after all retries: lower voiceid-optout:quotas or try later"
        return errors.Throttled(text, _retry_after(meta.get("HTTPHeaders", {})))
    if code in REJECTED:
        kind = errors.SignatureRejected if code in MISSIGNED else errors.CredentialsRejected
        return kind(
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

# Codes of answers that nobody repeats a call after, or that our own pacing does.
SETTLED_CODES = THROTTLES | REJECTED | (_BY_CODE.keys() - {"InternalServerException"})


def credentials_not_found(error: Exception, place: str) -> VoiceIdError:
    """Return our error for one of CREDENTIAL_ERRORS; ``place`` is what the credentials are for."""
    match error:
        case aws.ProfileNotFound():
            profile = error.kwargs.get("profile")
            return errors.CredentialsMissing(
                f"the AWS profile {profile!r} is in no AWS config file of this machine: correct aws:profile or "
                "AWS_PROFILE, or run `aws configure sso`"
            )
        case aws.SSOError() | aws.TokenRetrievalError():
            return errors.CredentialsMissing(
                "the SSO login of the AWS profile in use has expired: run `aws sso login` for it "
                "(`optout doctor` names the profile)"
            )
        case aws.InvalidConfigError() | aws.ConfigParseError():
            return errors.CredentialsMissing(
                f"the AWS profile in use is incomplete ({type(error).__name__}): see the AWS config files"
            )
    return errors.CredentialsMissing(
        f"no usable AWS credentials for {place}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        "AWS_PROFILE or AWS_SHARED_CREDENTIALS_FILE"
    )


def tls_failed(error: aws.SSLError, place: str) -> VoiceIdError:
    """Return our error for a TLS connection that failed; ``place`` is what was asked."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return errors.EndpointUnreachable(
            f"the certificate of {place} is not trusted here: if a private authority has signed it, set "
            "AWS_CA_BUNDLE to the file of that authority's certificate; else see its name and its dates"
        )
    return errors.EndpointUnreachable(
        f"{place} does not speak TLS (SSLError): see whether the endpoint is http or https, and its port"
    )


def profile_refused(error: aws.ClientError) -> VoiceIdError:
    """Return our error for an answer that was not Voice ID's, but of whoever gives credentials for a profile."""
    return errors.AccessDenied(
        f"no credentials for the AWS profile in use: {error.operation_name} is refused ({_code(error)}); see the "
        "profile's role_arn or sso_role_name, and who may have that role"
    )


def role_not_assumed(error: Exception, arn: str, key: str) -> VoiceIdError:
    """Return our error for an AssumeRole that failed; ``key`` is where the config names the role."""
    if isinstance(error, aws.ClientError):
        return _refused_role(error, arn, key)
    if isinstance(error, aws.SSLError):
        return tls_failed(error, f"STS, to assume the role {arn} of {key},")
    if isinstance(error, UNREACHABLE):
        return errors.EndpointUnreachable(
            f"STS does not answer ({type(error).__name__}), so the role {arn} of {key} cannot be assumed: see the "
            "network, aws:endpoints and AWS_ENDPOINT_URL_STS"
        )
    if isinstance(error, CREDENTIAL_ERRORS):
        return credentials_not_found(error, f"STS, to assume the role {arn} of {key}")
    if isinstance(error, aws.ParamValidationError):
        return errors.SettingsInvalid(f"STS was not asked for the role {arn}: {key} has a malformed member")
    return errors.UnexpectedAnswer(
        f"the role {arn} of {key} cannot be assumed: {type(error).__name__} in the AWS SDK"
    )


def _refused_role(error: aws.ClientError, arn: str, key: str) -> VoiceIdError:
    code = _code(error)
    if "AccessDenied" in code:
        return errors.AccessDenied(
            f"STS denies the role {arn} of {key}: allow sts:AssumeRole to these credentials, and see the role's "
            "trust policy and external id"
        )
    if code in UNKNOWN_KEY:
        return errors.CredentialsRejected(
            f"STS rejects the AWS credentials with which the role {arn} is to be assumed ({code}): check the key, "
            "its secret, the session token and this machine's clock"
        )
    if code in MALFORMED:
        return errors.SettingsInvalid(f"STS finds what {key} says of the role {arn} malformed ({code})")
    return errors.UnexpectedAnswer(
        f"STS does not give the role {arn} of {key} ({code}): see aws:endpoints and the region"
    )


def _code(error: aws.ClientError) -> str:
    """Return the error's code if it is one word; nothing else of an answer may reach a message."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code if code.isascii() and code.isalnum() else "no code"
