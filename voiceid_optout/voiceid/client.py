"""The client: Voice ID's operations, typed, paced, with errors of our own; and the transport below them.

The transport is a botocore client with our service model, retries, credentials and no logs.
"""

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

import boto3
import botocore.config
from botocore import exceptions as aws
from botocore import xform_name
from botocore.exceptions import ConnectionClosedError
from botocore.parsers import ResponseParserError

from voiceid_optout.voiceid import Domain, Speaker, Throttled, UnexpectedAnswer, UnknownSpeaker
from voiceid_optout.voiceid.botocore_errors import PACED_PREFIX, SETTLED_CODES, THROTTLES, translate
from voiceid_optout.voiceid.credentials import open_session
from voiceid_optout.voiceid.direct import CALL_HEADER, DirectCalls
from voiceid_optout.voiceid.pacing import Clock, OnWait, Pacer, Retries, SystemClock
from voiceid_optout.voiceid.settings import ClientSettings

_T = TypeVar("_T")
PAGE = 100  # the most that ListSpeakers gives


class NotNeeded(Exception):  # noqa: N818 - no error: the caller has its answer from elsewhere
    """A call was given up before it was sent."""


class Client:
    """Calls one endpoint with one botocore client; thread-safe.

    Every method raises VoiceIdError. ``speaker_id`` is a customer's id or a generated one (``id#...``).
    """

    def __init__(
        self,
        settings: ClientSettings,
        *,
        on_wait: OnWait = lambda _operation, _seconds: None,
        clock: Clock | None = None,
    ) -> None:
        """Make the client; nothing is sent yet. ``on_wait`` gets an operation and the seconds it waits."""
        self._clock = clock or SystemClock()
        self._place = settings.place()
        self._pacer = Pacer(settings.quotas, self._clock, on_wait, settings.long_wait)
        try:
            self._api = connect(settings)
            self._direct = DirectCalls(
                self._api, user_agent=_USER_AGENT, tries=TRANSPORT_TRIES, known_codes=SETTLED_CODES
            )
        except aws.BotoCoreError as error:
            raise translate(error, operation="the connection", place=self._place, domain_id="") from error

    def opt_out(self, domain_id: str, speaker_id: str) -> Speaker:
        """Opt a speaker out, creating the record if there is none; idempotent."""
        answer = self._call("OptOutSpeaker", domain_id, {"SpeakerId": speaker_id})
        return self._parsed(answer, _speaker)

    def describe(
        self, domain_id: str, speaker_id: str, *, unless: Callable[[], bool] | None = None
    ) -> Speaker | None:
        """Return the speaker, or None if the domain has none of this name.

        ``unless`` is asked while the call waits for its token; once it says True, NotNeeded is raised.
        """
        try:
            answer = self._call("DescribeSpeaker", domain_id, {"SpeakerId": speaker_id}, unless)
        except UnknownSpeaker:
            return None
        return self._parsed(answer, _speaker)

    def delete(self, domain_id: str, speaker_id: str) -> bool:
        """Delete a speaker and with it the memory of an opt-out; False if there was none."""
        try:
            self._call("DeleteSpeaker", domain_id, {"SpeakerId": speaker_id})
        except UnknownSpeaker:
            return False
        return True

    def list_pages(self, domain_id: str) -> Iterator[list[Speaker]]:
        """Yield all speakers of a domain, whatever their status, 100 a page."""
        token: str | None = None
        while True:
            page, token = self.list_page(domain_id, token)
            yield page
            if token is None:
                return

    def list_page(self, domain_id: str, token: str | None = None) -> tuple[list[Speaker], str | None]:
        """Return a page of speakers, and the token of the next one; None after the last.

        ``token``: None for the first page. Tokens live for 24 hours; an old one raises RequestInvalid.
        """
        more = {} if token is None else {"NextToken": token}
        answer = self._call("ListSpeakers", domain_id, {"MaxResults": PAGE, **more})
        return self._parsed(answer, _speakers), answer.get("NextToken") or None

    def describe_domain(self, domain_id: str) -> Domain:
        """Return the domain; a suspended one can be read."""
        answer = self._call("DescribeDomain", domain_id, {})
        return self._parsed(answer, _domain)

    def close(self) -> None:
        """Close the connections."""
        self._direct.close()
        self._api.close()

    def _call(
        self,
        operation: str,
        domain_id: str,
        members: Mapping[str, Any],
        unless: Callable[[], bool] | None = None,
    ) -> Mapping[str, Any]:
        send: Callable[..., Mapping[str, Any]] = getattr(self._api, xform_name(operation))
        request = {"DomainId": domain_id, **members}
        retries = Retries()
        while True:
            if not self._pacer.acquire(operation, unless):
                raise NotNeeded
            try:
                answer = self._direct.call(operation, request)
                return send(**request) if answer is None else answer
            except (aws.BotoCoreError, aws.ClientError) as error:
                fault = translate(error, operation=operation, place=self._place, domain_id=domain_id)
                delay = retries.delay(fault)
                if delay is None:
                    raise fault from error
            except (ResponseParserError, ValueError):  # their texts quote the answer
                raise UnexpectedAnswer(f"{self._place} answers {operation} in another form than Voice ID") from None
            if isinstance(fault, Throttled):
                self._pacer.throttled(operation, fault.retry_after)
            self._clock.sleep(delay)

    def _parsed(self, answer: Mapping[str, Any], read: Callable[[Mapping[str, Any]], _T]) -> _T:
        try:
            return read(answer)
        except (KeyError, TypeError, ValueError):
            raise UnexpectedAnswer(f"{self._place} leaves out members that every answer has") from None


def _speaker(answer: Mapping[str, Any]) -> Speaker:
    return Speaker.from_api(answer["Speaker"])


def _speakers(answer: Mapping[str, Any]) -> list[Speaker]:
    return [Speaker.from_api(summary) for summary in answer["SpeakerSummaries"]]


def _domain(answer: Mapping[str, Any]) -> Domain:
    return Domain.from_api(answer["Domain"])


TRANSPORT_TRIES = 3
_TRUNCATED = "RequestTimeout"  # one of the codes that the SDK repeats a call after, whatever the status
# In full: the SDK would otherwise put its own together anew for each call, twice, a tenth of what a call costs.
_AGENT = f"voiceid-optout Boto3/{boto3.__version__}"
_USER_AGENT = f"{_AGENT} Botocore/{botocore.__version__}"  # boto3 adds the second


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
        user_agent=_AGENT,
        # The settings have found the endpoint, and the plan has named it: the SDK is not to find another one.
        ignore_configured_endpoint_urls=True,
    )
    core = open_session(settings.identity, settings.region)
    client = boto3.Session(botocore_session=core).client(
        "voice-id", region_name=settings.region, endpoint_url=settings.endpoint_url, config=config
    )
    client.meta.events.register("before-sign.voice-id", _sign_the_call)
    client.meta.events.register("response-received.voice-id", _keep_throttle)
    client.meta.events.register("response-received.voice-id", _mark_truncated)
    client.meta.events.register("after-call.voice-id", _refuse_truncated)
    return client


def _sign_the_call(request: Any, **_: Any) -> None:
    """Let the signature cover the call's own number, the same for all its retries.

    Two equal calls within one second are the same to the byte otherwise, and the service lets those count once.
    """
    retries = request.context.get("retries") or {}
    request.headers[CALL_HEADER] = retries.get("invocation-id") or str(uuid.uuid4())


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
