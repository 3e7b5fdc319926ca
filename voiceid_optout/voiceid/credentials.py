"""From an identity to a session of the AWS SDK: profile, keys, and roles, assumed again before they expire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import botocore.config
import botocore.session
from botocore import exceptions as aws
from botocore.credentials import CredentialProvider, DeferredRefreshableCredentials

from voiceid_optout import voiceid as errors
from voiceid_optout.model import MODEL_ROOT
from voiceid_optout.voiceid import CredentialsRejected
from voiceid_optout.voiceid.botocore_errors import CREDENTIAL_ERRORS, credentials_not_found, role_not_assumed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.voiceid.aws_config import Identity, Role


TRIES = 3
CONNECT_TIMEOUT, READ_TIMEOUT = 5.0, 20.0  # seconds


def open_session(identity: Identity, region: str | None) -> Any:
    """Return botocore's session for Voice ID; nobody is asked for credentials before the first call.

    The service model of Voice ID is ours and comes first on the loader's search path: AWS removes retired services
    from its SDKs. Raises botocore's ProfileNotFound for an unknown profile.
    """
    core = base_session(identity)
    for role in identity.roles:
        source, core = core, _core(identity)
        core.get_component("credential_provider").providers.insert(0, _AssumedRole(role, source, identity, region))
    return core


def base_session(identity: Identity) -> Any:
    """Return the session with whose credentials the first role is assumed, or Voice ID called if there is none."""
    core = _core(identity)
    if identity.keys is not None:
        core.set_credentials(identity.keys.access_key, identity.keys.secret_key, identity.keys.token)
    return core


def profile_region(identity: Identity) -> str | None:
    """Return the region that the profile in use names; None without one, or for a profile that is unknown."""
    try:
        region = _core(identity).get_config_variable("region", methods=("config",))
    except aws.BotoCoreError:
        return None
    return str(region) if region else None


def profile_endpoint(identity: Identity) -> str | None:
    """Return the endpoint that the profile in use names for Voice ID, or for all services; None without one."""
    core = _core(identity)
    try:
        if core.get_config_variable("ignore_configured_endpoint_urls", methods=("config",)):
            return None
        profile, everything = core.get_scoped_config(), core.full_config
    except aws.BotoCoreError:
        return None
    services = everything.get("services", {}).get(profile.get("services"), {})
    url = services.get("voice_id", {}).get("endpoint_url") or profile.get("endpoint_url")
    return str(url) if url else None


def _core(identity: Identity) -> Any:
    core = botocore.session.Session(profile=identity.profile)
    core.get_component("data_loader").search_paths.insert(0, str(MODEL_ROOT))
    if identity.config_file is not None:
        core.set_config_variable("config_file", identity.config_file)
    if identity.credentials_file is not None:
        core.set_config_variable("credentials_file", identity.credentials_file)
    return core


class _AssumedRole(CredentialProvider):  # type: ignore[misc]  # botocore has no types
    """Gives the credentials of a role, which are fetched at the first call and again before they expire."""

    METHOD = "assume-role"

    def __init__(self, role: Role, source: Any, identity: Identity, region: str | None) -> None:
        super().__init__()
        self._role = role
        self._source = source
        self._identity = identity
        self._region = identity.sts_region or region

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(self._fetch, self.METHOD)

    def _fetch(self) -> dict[str, Any]:
        """Ask STS. What is raised here passes botocore as it is, so it is an error of ours."""
        config = botocore.config.Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retries={"mode": "standard", "total_max_attempts": TRIES},
            user_agent_extra="voiceid-optout",
        )
        try:
            sts = self._source.create_client(
                "sts", region_name=self._region, endpoint_url=self._identity.sts_endpoint, config=config
            )
            given = sts.assume_role(**_members(self._role))["Credentials"]
        except (aws.BotoCoreError, aws.ClientError) as error:
            raise role_not_assumed(error, self._role.arn, self._identity.roles_key) from None
        if given["Expiration"] <= datetime.now(UTC):
            raise CredentialsRejected(
                f"STS gives credentials for {self._role.arn} that have expired: check this machine's clock"
            )
        return {
            "access_key": given["AccessKeyId"],
            "secret_key": given["SecretAccessKey"],
            "token": given["SessionToken"],
            "expiry_time": given["Expiration"].isoformat(),
        }


def _members(role: Role) -> dict[str, Any]:
    """Return the members of AssumeRole; what is not set is left out."""
    members = {
        "RoleArn": role.arn,
        "RoleSessionName": role.session_name,
        "ExternalId": role.external_id,
        "DurationSeconds": role.duration,
        "Policy": role.policy,
        "PolicyArns": [{"arn": arn} for arn in role.policy_arns],
        "Tags": [{"Key": key, "Value": value} for key, value in role.tags],
        "TransitiveTagKeys": list(role.transitive_tag_keys),
        "SourceIdentity": role.source_identity,
    }
    return {name: value for name, value in members.items() if value}


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
    except CREDENTIAL_ERRORS as error:
        raise credentials_not_found(error, "Voice ID") from error
    except aws.BotoCoreError as error:
        raise errors.CredentialsMissing(f"no AWS credentials: {type(error).__name__} in the AWS SDK") from error
    if found is None:
        raise credentials_not_found(aws.NoCredentialsError(), "Voice ID")
    place = _PLACES.get(found.method, str(found.method))
    if identity.profile is not None:
        return f"profile {identity.profile!r} (aws:profile), {place}"
    if found.method != "env" and (profile := environ.get("AWS_PROFILE")):
        return f"profile {profile!r} (AWS_PROFILE), {place}"
    return place
