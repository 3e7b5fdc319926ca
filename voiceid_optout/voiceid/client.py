"""The client: Voice ID's operations, typed, paced, with errors of our own; and the transport below them.

The transport is a botocore client with our service model, retries, credentials and no logs.
"""

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any, TypeVar

import boto3
import botocore.config
from botocore import exceptions as aws
from botocore import xform_name
from botocore.exceptions import ConnectionClosedError
from botocore.parsers import ResponseParserError

from voiceid_optout.memory import no_collection
from voiceid_optout.voiceid import Domain, Speaker, Throttled, UnexpectedAnswer, UnknownSpeaker, VoiceIdError
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
        self._has_answered = False
        try:
            self._api = connect(settings)
            self._direct = DirectCalls(
                self._api, user_agent=_USER_AGENT, tries=TRANSPORT_TRIES, known_codes=SETTLED_CODES
            )
        except aws.BotoCoreError as error:
            raise translate(error, operation="the connection", place=self._place, domain_id="") from error

    def opt_out(self, domain_id: str, speaker_id: str) -> Speaker:
        """Opt a speaker out, creating the record if there is none; idempotent."""
        return self._call("OptOutSpeaker", domain_id, {"SpeakerId": speaker_id}, _speaker)

    def describe(
        self, domain_id: str, speaker_id: str, *, unless: Callable[[], bool] | None = None
    ) -> Speaker | None:
        """Return the speaker, or None if the domain has none of this name.

        ``unless`` is asked while the call waits for its token; once it says True, NotNeeded is raised.
        """
        try:
            return self._call("DescribeSpeaker", domain_id, {"SpeakerId": speaker_id}, _speaker, unless)
        except UnknownSpeaker:
            return None

    def delete(self, domain_id: str, speaker_id: str) -> bool:
        """Delete a speaker and with it the memory of an opt-out; False if there was none."""
        try:
            self._call("DeleteSpeaker", domain_id, {"SpeakerId": speaker_id}, _nothing)
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
        return self._call("ListSpeakers", domain_id, {"MaxResults": PAGE, **more}, _page)

    def describe_domain(self, domain_id: str) -> Domain:
        """Return the domain; a suspended one can be read."""
        return self._call("DescribeDomain", domain_id, {}, _domain)

    def close(self) -> None:
        """Close the connections."""
        self._direct.close()
        self._api.close()

    def _call(
        self,
        operation: str,
        domain_id: str,
        members: Mapping[str, Any],
        read: Callable[[Mapping[str, Any], Mapping[str, Any]], _T],
        unless: Callable[[], bool] | None = None,
    ) -> _T:
        """Make a call until it is answered or given up; ``read`` gets what was asked and what came back."""
        send: Callable[..., Mapping[str, Any]] = getattr(self._api, xform_name(operation))
        request = {"DomainId": domain_id, **members}
        retries = Retries(answered=self._has_answered)
        while True:
            if not self._pacer.acquire(operation, unless):
                raise NotNeeded
            cause: Exception | None = None  # an answer's text may quote it: only the SDK's own errors are causes
            fault: VoiceIdError
            try:
                answer = self._direct.call(operation, request)
                found = read(request, send(**request) if answer is None else answer)
            except (aws.BotoCoreError, aws.ClientError) as error:
                cause = error
                fault = translate(error, operation=operation, place=self._place, domain_id=domain_id)
            except _OtherAnswerError:
                fault = UnexpectedAnswer(f"{self._place} answers {operation} with what was not asked")
            except (KeyError, TypeError):
                fault = UnexpectedAnswer(f"{self._place} leaves out members that every answer has")
            except (ResponseParserError, ValueError):
                fault = UnexpectedAnswer(f"{self._place} answers {operation} in another form than Voice ID")
            else:
                self._has_answered = True
                return found
            delay = retries.delay(fault)
            if delay is None:
                raise fault from cause
            if isinstance(fault, Throttled):
                self._pacer.throttled(operation, fault.retry_after)
            self._clock.sleep(delay)


class _OtherAnswerError(Exception):
    """The answer is about a domain or a speaker that was not asked for: another call's, come late or twice."""


def _speaker(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Speaker:
    speaker = Speaker.from_api(answer["Speaker"])
    if speaker.domain_id != asked["DomainId"] or asked["SpeakerId"] not in speaker.names():
        raise _OtherAnswerError
    return speaker


def _page(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[list[Speaker], str | None]:
    speakers = [Speaker.from_api(summary) for summary in answer["SpeakerSummaries"]]
    if speakers and speakers[0].domain_id != asked["DomainId"]:
        raise _OtherAnswerError
    return speakers, answer.get("NextToken") or None


def _domain(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Domain:
    domain = Domain.from_api(answer["Domain"])
    if domain.domain_id != asked["DomainId"]:
        raise _OtherAnswerError
    return domain


def _nothing(_asked: Mapping[str, Any], _answer: Mapping[str, Any]) -> None:
    """Read an answer that has no members."""


TRANSPORT_TRIES = 3
# Two of the codes that the SDK repeats a call after, whatever the status.
_TRUNCATED, _MISREAD = "RequestTimeout", "RequestTimeoutException"
# In full: the SDK would otherwise put its own together anew for each call, twice, a tenth of what a call costs.
_AGENT = f"voiceid-optout Boto3/{boto3.__version__}"
_USER_AGENT = f"{_AGENT} Botocore/{botocore.__version__}"  # boto3 adds the second


@no_collection()
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
    client.meta.events.register("response-received.voice-id", _mark_spoilt)
    client.meta.events.register("after-call.voice-id", _refuse_spoilt)
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


def _mark_spoilt(
    parsed_response: MutableMapping[str, Any] | None,
    response_dict: Mapping[str, Any] | None,
    context: Mapping[str, Any] | None,
    **_: Any,
) -> None:
    """Give an answer that is not whole, no JSON or another call's a code that the SDK's retries know.

    The SDK asks for no complete bodies, and parses what came of one as if it were empty.
    """
    if parsed_response is None or response_dict is None:
        return
    number = ((context or {}).get("retries") or {}).get("invocation-id")
    if _is_truncated(response_dict):
        parsed_response["Error"] = {"Code": _TRUNCATED}
    elif (number and response_dict["headers"].get(CALL_HEADER, number) != number) or (
        response_dict["status_code"] == HTTPStatus.OK and not _is_object(response_dict["body"])
    ):
        parsed_response["Error"] = {"Code": _MISREAD}


def _refuse_spoilt(parsed: Mapping[str, Any], **_: Any) -> None:
    """Fail, once the tries are used up: where the end did not arrive, as the SDK does when nothing at all does."""
    code = parsed.get("Error", {}).get("Code")
    if code == _TRUNCATED:
        raise ConnectionClosedError(endpoint_url="the endpoint")
    if code == _MISREAD:
        raise ResponseParserError


def _is_object(body: bytes) -> bool:
    try:
        return not body or isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


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
