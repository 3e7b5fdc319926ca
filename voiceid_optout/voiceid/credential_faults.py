"""What keeps us from having credentials at all: profiles, logins, roles. No message carries a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import exceptions as aws

from voiceid_optout.voiceid import errors

if TYPE_CHECKING:
    from voiceid_optout.voiceid.errors import VoiceIdError

UNKNOWN_KEY = frozenset({"InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException"})
MALFORMED = frozenset({"ValidationError", "MalformedPolicyDocument", "PackedPolicyTooLarge"})
LOGIN = (aws.SSOError, aws.TokenRetrievalError)
UNREACHABLE = (aws.ConnectionError, aws.HTTPClientError)
FINDING = (
    *(aws.NoCredentialsError, aws.PartialCredentialsError, aws.CredentialRetrievalError, aws.ProfileNotFound),
    *(aws.InvalidConfigError, aws.ConfigParseError, *LOGIN),
)


def not_found(error: Exception, place: str) -> VoiceIdError:
    """Return our error for one of FINDING; ``place`` is what the credentials are for."""
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


def insecure(error: aws.SSLError, place: str) -> VoiceIdError:
    """Return our error for a TLS connection that came to nothing; ``place`` is what was asked."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return errors.EndpointUnreachable(
            f"the certificate of {place} is not trusted here: if a private authority has signed it, set "
            "AWS_CA_BUNDLE to the file of that authority's certificate; else see its name and its dates"
        )
    return errors.EndpointUnreachable(
        f"{place} does not speak TLS (SSLError): see whether the endpoint is http or https, and its port"
    )


def refused(error: aws.ClientError) -> VoiceIdError:
    """Return our error for an answer that was not Voice ID's, but of whoever gives credentials for a profile."""
    return errors.AccessDenied(
        f"no credentials for the AWS profile in use: {error.operation_name} is refused ({_code(error)}); see the "
        "profile's role_arn or sso_role_name, and who may have that role"
    )


def not_assumed(error: Exception, arn: str, key: str) -> VoiceIdError:
    """Return our error for an AssumeRole that came to nothing; ``key`` is where the config names the role."""
    if isinstance(error, aws.ClientError):
        return _refused_role(error, arn, key)
    if isinstance(error, aws.SSLError):
        return insecure(error, f"STS, to assume the role {arn} of {key},")
    if isinstance(error, UNREACHABLE):
        return errors.EndpointUnreachable(
            f"STS does not answer ({type(error).__name__}), so the role {arn} of {key} cannot be assumed: see the "
            "network, aws:endpoints and AWS_ENDPOINT_URL_STS"
        )
    if isinstance(error, FINDING):
        return not_found(error, f"STS, to assume the role {arn} of {key}")
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
