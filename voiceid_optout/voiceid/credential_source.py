"""Says whose credentials a client uses, without a word of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore import exceptions as aws

from voiceid_optout.voiceid import credential_faults, errors
from voiceid_optout.voiceid.session import base_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.voiceid.identity import Identity

# botocore's words for the places where it finds credentials, and ours.
_PLACES = {
    "env": "AWS_ACCESS_KEY_ID",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the AWS config file",
    "sso": "an SSO login",
    "assume-role": "the profile's role_arn",
    "assume-role-with-web-identity": "a web identity",
    "custom-process": "the profile's credential_process",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}


def credential_source(identity: Identity, environ: Mapping[str, str]) -> str:
    """Return a line such as ``profile 'main' (aws:profile), an SSO login, then role arn:… (aws:assumeRoles)``.

    Fetches nothing that a role or a login would give. Raises VoiceIdError where there are no credentials.
    """
    parts = [_base(identity, environ)]
    parts += [f"then role {role.arn} ({identity.roles_key})" for role in identity.roles]
    return ", ".join(parts)


def _base(identity: Identity, environ: Mapping[str, str]) -> str:
    if identity.keys is not None:
        return "keys of the stack (aws:accessKey)"
    try:
        found = base_session(identity).get_credentials()
    except credential_faults.FINDING as error:
        raise credential_faults.not_found(error, "Voice ID") from error
    except aws.BotoCoreError as error:
        raise errors.CredentialsMissing(f"no AWS credentials: {type(error).__name__} in the AWS SDK") from error
    if found is None:
        raise credential_faults.not_found(aws.NoCredentialsError(), "Voice ID")
    place = _PLACES.get(found.method, str(found.method))
    if identity.profile is not None:
        return f"profile {identity.profile!r} (aws:profile), {place}"
    if found.method != "env" and (profile := environ.get("AWS_PROFILE")):
        return f"profile {profile!r} (AWS_PROFILE), {place}"
    return place
