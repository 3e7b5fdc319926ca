"""Settings of the client: where the service is, and how many calls a second it allows."""

from __future__ import annotations

import ipaddress
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import SplitResult, urlsplit

from voiceid_optout.config import Config, ConfigInvalid, read
from voiceid_optout.voiceid import SettingsInvalid
from voiceid_optout.voiceid.aws_config import DEFAULT_IDENTITY, ENDPOINT_VARIABLE, AwsConfig, Identity

if TYPE_CHECKING:
    from collections.abc import Mapping


SLOW_ANSWER = 0.4  # seconds; twice what a service far away takes
FILE_VARIABLE = "OPTOUT_STACK_CONFIG"
KEYS = ("endpoint", "region", "quotas", "insecurePlainHttp", "service")
FEWEST_CONNECTIONS, MOST_CONNECTIONS = 8, 64


@dataclass(frozen=True, slots=True)
class Quotas:
    """Calls a second and operation, account-wide. Source of the defaults: Voice ID's published quotas.

    They are shared by everyone who uses the account: lower them if a contact centre calls the API too.
    """

    opt_out: float = 10.0
    describe: float = 10.0
    delete: float = 10.0
    list: float = 5.0

    @classmethod
    def of(cls, numbers: Mapping[str, float]) -> Self:
        """Return the quotas of a stack's setting, by its keys; what is not set keeps its default."""
        names = {"optOut": "opt_out"}
        return cls(**{names.get(key, key): number for key, number in numbers.items()})


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """``endpoint_url`` None: AWS's own host for the region. Times in seconds."""

    endpoint_url: str | None
    region: str
    quotas: Quotas = Quotas()
    connect_timeout: float = 5.0
    read_timeout: float = 20.0
    long_wait: float = 3.0
    identity: Identity = DEFAULT_IDENTITY

    @classmethod
    def resolve(cls, config: Mapping[str, str], environ: Mapping[str, str]) -> Self:
        """Merge the stack's config with the environment, which wins over endpoint and region.

        ``config`` has texts: those of KEYS of the project, and the AWS provider's config by its full keys, such as
        ``aws:profile``. Raises SettingsInvalid for an endpoint that is no http(s) URL, that would be called in
        clear or that is not a sandbox's own, a missing region, bad quotas or bad ``aws:`` config.
        """
        texts = current_config(config, environ)
        aws = AwsConfig.parse(texts, environ)
        try:
            ours = read({key: texts[key] for key in KEYS if texts.get(key)}, "")
        except ConfigInvalid as error:
            raise SettingsInvalid(f"voiceid-optout:{error.faults[0]}") from None
        endpoint = endpoint_setting(ours, aws, environ)
        region = region_setting(ours, aws, environ)
        if not region.value:
            raise SettingsInvalid("no region: set voiceid-optout:region or aws:region in the stack, or AWS_REGION")
        for url, source in (
            (endpoint.value, endpoint.source),
            (aws.identity.sts_endpoint, "STS, in aws:endpoints or AWS_ENDPOINT_URL_STS,"),
        ):
            if url is not None:
                _check_url(url, source)
            if fault := clear_text_fault(url, source, allowed=ours.insecure_plain_http):
                raise SettingsInvalid(fault)
        if ours.is_sandbox and not is_loopback(endpoint.value):
            raise SettingsInvalid(
                "the stack is a sandbox, and the shell does not say where its service is: start `optout serve`, "
                'then eval "$(optout env)"'
            )
        return cls(endpoint.value, region.value, Quotas.of(ours.quotas), identity=aws.identity)

    @property
    def connections(self) -> int:
        """How many calls must be under way at once to reach the quota when each takes SLOW_ANSWER."""
        needed = math.ceil(max(self.quotas.opt_out, self.quotas.describe, self.quotas.delete) * SLOW_ANSWER)
        return min(max(needed, FEWEST_CONNECTIONS), MOST_CONNECTIONS)

    def place(self) -> str:
        """Return the endpoint for messages, without any credentials or query that its URL may carry."""
        if self.endpoint_url is None:
            return f"AWS's Voice ID in {self.region}"
        return f"Voice ID at {display_url(self.endpoint_url)} ({self.region})"


def _check_url(endpoint: str, source: str) -> None:
    try:
        url = urlsplit(endpoint)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsInvalid(f"the endpoint of {source} is no http or https URL: correct it")


def current_config(config: Mapping[str, str], environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the config with what the stack file says now in place of what the state remembers of it.

    OPTOUT_STACK_CONFIG is a JSON object of texts by KEYS: an engine keeps the config of its last `up`, and reads
    with it. Raises SettingsInvalid for anything else.
    """
    if not (text := environ.get(FILE_VARIABLE)):
        return config
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise SettingsInvalid(f"{FILE_VARIABLE} is not a JSON object of texts")
    kept = {name: value for name, value in config.items() if name not in KEYS}
    return kept | {name: value for name, value in given.items() if name in KEYS}


def _split(url: str) -> SplitResult:
    """Return the parts of a URL, empty ones for what is none: that is said where the settings are resolved."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def clear_text_fault(url: str | None, source: str, *, allowed: bool) -> str | None:
    """Return why an endpoint may not be called: identifiers would travel in clear to another machine.

    ``allowed`` is the stack's insecurePlainHttp, for a network that is safe by other means.
    """
    if allowed or url is None or _split(url).scheme != "http" or is_loopback(url):
        return None
    return (
        f"{display_url(url)} ({source}) is on another machine, and identifiers would travel there in clear: "
        "use https, or set voiceid-optout:insecurePlainHttp: true where the network is safe by other means"
    )


def is_loopback(url: str | None) -> bool:
    """Tell whether an endpoint is on this machine."""
    host = _split(url or "").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def display_url(url: str) -> str:
    """Return an endpoint without any credentials and query that its URL may carry; spelled in one way."""
    parts = _split(url)
    host = parts.netloc.rpartition("@")[2].lower()
    host = host.removesuffix({"http": ":80", "https": ":443"}.get(parts.scheme, ""))
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}"


REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
# boto3's own, for the endpoints of all services. The SDK would take them unseen, and a plan must name them.
GLOBAL_VARIABLE = "AWS_ENDPOINT_URL"
IGNORE_VARIABLE = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it comes from; None and an empty text if nobody sets it."""

    value: str | None
    source: str = ""


def endpoint_setting(config: Config, aws: AwsConfig, environ: Mapping[str, str]) -> Setting:
    """Return the endpoint of Voice ID: the environment's, the stack's own, the AWS provider's, boto3's for all."""
    found = _first_set(
        Setting(environ.get(ENDPOINT_VARIABLE), ENDPOINT_VARIABLE),
        Setting(config.endpoint, "voiceid-optout:endpoint"),
        Setting(aws.endpoints.get("voiceid"), "aws:endpoints"),
    )
    if found.value or environ.get(IGNORE_VARIABLE, "").lower() == "true":
        return found
    if url := environ.get(GLOBAL_VARIABLE):
        return Setting(url, GLOBAL_VARIABLE)
    from voiceid_optout.voiceid.credentials import profile_endpoint  # noqa: PLC0415 - as for the region below

    return _first_set(Setting(profile_endpoint(aws.identity), "the AWS profile"))


def region_setting(config: Config, aws: AwsConfig, environ: Mapping[str, str]) -> Setting:
    """Return the region: the environment's, the stack's own, the AWS provider's, the profile's."""
    found = stated_region(config, aws, environ)
    if found.value:
        return found
    # Last, and only here: to read a profile takes botocore, which takes its time to load.
    from voiceid_optout.voiceid.credentials import profile_region  # noqa: PLC0415

    return _first_set(Setting(profile_region(aws.identity), "the AWS profile"))


def stated_region(config: Config, aws: AwsConfig, environ: Mapping[str, str]) -> Setting:
    """Return the region that environment or stack name, whatever the profile says."""
    return _first_set(
        *(Setting(environ.get(name), name) for name in REGION_VARIABLES),
        Setting(config.region, "voiceid-optout:region"),
        Setting(aws.region, "aws:region"),
    )


def _first_set(*candidates: Setting) -> Setting:
    return next((candidate for candidate in candidates if candidate.value), Setting(None))
