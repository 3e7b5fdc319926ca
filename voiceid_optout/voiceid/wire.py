"""The botocore client under ours: service model, retries, credentials, silence."""

import datetime as dt
import logging
from collections.abc import MutableMapping
from typing import Any

import boto3
import botocore.config

from voiceid_optout.voiceid.session import open_session
from voiceid_optout.voiceid.settings import ClientSettings
from voiceid_optout.voiceid.translate import PAUSED, THROTTLES

TRANSPORT_TRIES = 3
# In full: the SDK would otherwise put its own together anew for each call, twice, a tenth of what a call costs.
_USER_AGENT = f"voiceid-optout Boto3/{boto3.__version__} Botocore/{botocore.__version__}"


def connect(settings: ClientSettings) -> Any:
    """Return a boto3 client for voice-id; sends nothing and looks for no credentials yet.

    boto3's session and not botocore's alone: it costs no more time (0.15 s either way, import included) and is the
    interface whose credentials and settings people know.
    """
    _silence()
    config = botocore.config.Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        max_pool_connections=settings.connections,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": TRANSPORT_TRIES},
        user_agent=_USER_AGENT,
    )
    core = open_session(settings.identity, settings.region)
    parsers = core.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_moment)
    client = boto3.Session(botocore_session=core).client(
        "voice-id", region_name=settings.region, endpoint_url=settings.endpoint_url, config=config
    )
    # For Voice ID alone: STS, which the same session may ask for a profile's role, writes times in another way.
    parsers.set_parser_defaults(timestamp_parser=None)
    client.meta.events.register("response-received.voice-id", _keep_throttle)
    return client


def _moment(value: float | str) -> dt.datetime:
    """Return a time of the wire, which gives epoch seconds.

    The SDK's own parser takes every notation there is; of a page of a hundred speakers it was half the cost.
    """
    return dt.datetime.fromtimestamp(float(value), dt.UTC)


def _keep_throttle(parsed_response: MutableMapping[str, Any] | None, **_: Any) -> None:
    """Mark a throttle so that the SDK's retries pass it on to ours at once."""
    error = (parsed_response or {}).get("Error")
    if error and error.get("Code") in THROTTLES:
        error["Code"] = PAUSED + error["Code"]


def _silence() -> None:
    """Keep requests out of debug logs, where botocore writes their bodies, and so identifiers."""
    for name in ("botocore", "boto3", "urllib3"):
        logger = logging.getLogger(name)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
    # A role that cannot be had is an error of ours, said once; botocore warns of it with a traceback beforehand.
    logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
