"""The botocore client under ours: service model, retries, credentials, silence."""

import datetime as dt
import logging
from collections.abc import MutableMapping
from typing import Any

import boto3
import botocore.config
import botocore.session
from boto3.session import Session

from optout.model import MODEL_ROOT
from optout.voiceid.settings import ClientSettings
from optout.voiceid.translate import PAUSED, THROTTLES

TRANSPORT_TRIES = 3
# In full: the SDK would otherwise put its own together anew for each call, twice, a tenth of what a call costs.
_USER_AGENT = f"voiceid-optout Boto3/{boto3.__version__} Botocore/{botocore.__version__}"


def connect(settings: ClientSettings) -> Any:
    """Return a boto3 client for voice-id; sends nothing and looks for no credentials yet.

    The service model is ours and comes first on the loader's search path: AWS removes retired services from
    its SDKs. boto3's session and not botocore's alone: it costs no more time (0.15 s either way, import
    included) and is the interface whose credentials and settings people know.
    """
    _silence()
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.insert(0, str(MODEL_ROOT))
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    config = botocore.config.Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        max_pool_connections=settings.connections,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": TRANSPORT_TRIES},
        user_agent=_USER_AGENT,
    )
    client = Session(botocore_session=session).client(
        "voice-id", region_name=settings.region, endpoint_url=settings.endpoint_url, config=config
    )
    client.meta.events.register("response-received.voice-id", _keep_throttle)
    return client


def _moment(value: float | str) -> dt.datetime:
    """Return a time of the wire, which gives epoch seconds.

    The SDK's own parser takes every notation there is; of a page of a hundred speakers it was a third of the cost.
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
