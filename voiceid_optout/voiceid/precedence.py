"""Which of several places a setting is taken from, and what that place is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voiceid_optout.voiceid.aws_config import AwsConfig

ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_VOICE_ID"
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
# boto3's own, for the endpoints of all services. The SDK would take them unseen, and a plan must name them.
GLOBAL_VARIABLE = "AWS_ENDPOINT_URL"
IGNORE_VARIABLE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it comes from; None and an empty text if nobody sets it."""

    value: str | None
    source: str = ""


def endpoint(config: Mapping[str, str], aws: AwsConfig, environ: Mapping[str, str]) -> Setting:
    """Return the endpoint of Voice ID: the environment's, the stack's own, the AWS provider's, boto3's for all."""
    found = _first(
        Setting(environ.get(ENDPOINT_VARIABLE), ENDPOINT_VARIABLE),
        Setting(config.get("endpoint"), "voiceid-optout:endpoint"),
        Setting(aws.endpoints.get("voiceid"), "aws:endpoints"),
    )
    if found.value or environ.get(IGNORE_VARIABLE, "").lower() == "true":
        return found
    if url := environ.get(GLOBAL_VARIABLE):
        return Setting(url, GLOBAL_VARIABLE)
    from voiceid_optout.voiceid.session import profile_endpoint  # noqa: PLC0415 - as for the region below

    return _first(Setting(profile_endpoint(aws.identity), "the AWS profile"))


def region(config: Mapping[str, str], aws: AwsConfig, environ: Mapping[str, str]) -> Setting:
    """Return the region: the environment's, the stack's own, the AWS provider's, the profile's."""
    found = stated_region(config, aws, environ)
    if found.value:
        return found
    # Last, and only here: to read a profile takes botocore, which takes its time to load.
    from voiceid_optout.voiceid.session import profile_region  # noqa: PLC0415

    return _first(Setting(profile_region(aws.identity), "the AWS profile"))


def stated_region(config: Mapping[str, str], aws: AwsConfig, environ: Mapping[str, str]) -> Setting:
    """Return the region that environment or stack name, whatever the profile says."""
    return _first(
        *(Setting(environ.get(name), name) for name in REGION_VARIABLES),
        Setting(config.get("region"), "voiceid-optout:region"),
        Setting(aws.region, "aws:region"),
    )


def _first(*candidates: Setting) -> Setting:
    return next((candidate for candidate in candidates if candidate.value), Setting(None))
