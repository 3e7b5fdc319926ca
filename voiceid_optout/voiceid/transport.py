"""The transport: a botocore client with our service model, retries, credentials and no logs."""

import datetime as dt
import json
import logging
import uuid
from collections.abc import Mapping, MutableMapping
from typing import Any

import boto3
import botocore.config
from botocore.exceptions import ConnectionClosedError

from voiceid_optout.voiceid.botocore_errors import PACED_PREFIX, THROTTLES
from voiceid_optout.voiceid.session import open_session
from voiceid_optout.voiceid.settings import ClientSettings

TRANSPORT_TRIES = 3
_CALL_HEADER = "X-Optout-Call"
_TRUNCATED = "RequestTimeout"  # one of the codes that the SDK repeats a call after, whatever the status
# In full: the SDK would otherwise put its own together anew for each call, twice, a tenth of what a call costs.
_USER_AGENT = f"voiceid-optout Boto3/{boto3.__version__} Botocore/{botocore.__version__}"


def connect(settings: ClientSettings) -> Any:
    """Return a boto3 client for voice-id; sends nothing and looks for no credentials yet.

    boto3's session and not botocore's alone: it costs no more time (0.15 s either way, import included) and is the
    interface whose credentials and settings people know.
    """
    _quieten_logs()
    config = botocore.config.Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        max_pool_connections=settings.connections,
        tcp_keepalive=True,
        retries={"mode": "standard", "total_max_attempts": TRANSPORT_TRIES},
        user_agent=_USER_AGENT,
        # The settings have found the endpoint, and the plan has named it: the SDK is not to find another one.
        ignore_configured_endpoint_urls=True,
    )
    core = open_session(settings.identity, settings.region)
    parsers = core.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_parse_time)
    client = boto3.Session(botocore_session=core).client(
        "voice-id", region_name=settings.region, endpoint_url=settings.endpoint_url, config=config
    )
    # For Voice ID alone: STS, which the same session may ask for a profile's role, writes times in another way.
    parsers.set_parser_defaults(timestamp_parser=None)
    client.meta.events.register("before-sign.voice-id", _sign_the_call)
    client.meta.events.register("response-received.voice-id", _keep_throttle)
    client.meta.events.register("response-received.voice-id", _mark_truncated)
    client.meta.events.register("after-call.voice-id", _refuse_truncated)
    return client


def _parse_time(value: float | str) -> dt.datetime:
    """Return a time of the wire, which gives epoch seconds.

    The SDK's own parser takes every notation there is; of a page of a hundred speakers it was half the cost.
    """
    return dt.datetime.fromtimestamp(float(value), dt.UTC)


def _sign_the_call(request: Any, **_: Any) -> None:
    """Let the signature cover the call's own number, the same for all its retries.

    Two equal calls within one second are the same to the byte otherwise, and the service lets those count once.
    """
    retries = request.context.get("retries") or {}
    request.headers[_CALL_HEADER] = retries.get("invocation-id") or str(uuid.uuid4())


def _keep_throttle(parsed_response: MutableMapping[str, Any] | None, **_: Any) -> None:
    """Mark a throttle so that the SDK's retries pass it on to ours at once."""
    error = (parsed_response or {}).get("Error")
    if error and error.get("Code") in THROTTLES:
        error["Code"] = PACED_PREFIX + error["Code"]


def _mark_truncated(
    parsed_response: MutableMapping[str, Any] | None, response_dict: Mapping[str, Any] | None, **_: Any
) -> None:
    """Give an answer whose end did not arrive a code that the SDK's retries know.

    The SDK asks for no complete bodies, and parses what came of one as if it were empty.
    """
    if parsed_response is not None and response_dict is not None and _is_truncated(response_dict):
        parsed_response["Error"] = {"Code": _TRUNCATED}


def _refuse_truncated(parsed: Mapping[str, Any], **_: Any) -> None:
    """Fail, once the tries are used up, as the SDK does when nothing at all arrives."""
    if parsed.get("Error", {}).get("Code") == _TRUNCATED:
        raise ConnectionClosedError(endpoint_url="the endpoint")


def _is_truncated(response: Mapping[str, Any]) -> bool:
    headers, body = response["headers"], response["body"]
    length: str | None = headers.get("content-length")
    if length is not None:
        return str(len(body)) != length
    if "transfer-encoding" in headers:
        return False  # a body in chunks says its end, without which reading it fails
    try:  # the connection's end is the body's, and may have come before that of the headers
        json.loads(body)
    except ValueError:
        return True
    return False


def _quieten_logs() -> None:
    """Keep requests out of debug logs, where botocore writes their bodies, and so identifiers."""
    for name in ("botocore", "boto3", "urllib3"):
        logger = logging.getLogger(name)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
    # A role that cannot be had is an error of ours, said once; botocore warns of it with a traceback beforehand.
    logging.getLogger("botocore.credentials").setLevel(logging.ERROR)
