"""The client: Voice ID's speaker operations, typed, paced and with errors of our own."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from botocore import exceptions as aws
from botocore import xform_name
from botocore.parsers import ResponseParserError

from voiceid_optout.voiceid.botocore_errors import translate
from voiceid_optout.voiceid.errors import Throttled, UnexpectedAnswer, UnknownSpeaker
from voiceid_optout.voiceid.pacing import Clock, OnWait, Pacer, Retries, SystemClock
from voiceid_optout.voiceid.settings import ClientSettings
from voiceid_optout.voiceid.speaker import Domain, Speaker
from voiceid_optout.voiceid.transport import connect

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

    def list_speakers(self, domain_id: str) -> Iterator[Speaker]:
        """Yield all speakers of a domain."""
        for page in self.list_pages(domain_id):
            yield from page

    def describe_domain(self, domain_id: str) -> Domain:
        """Return the domain; a suspended one can be read."""
        answer = self._call("DescribeDomain", domain_id, {})
        return self._parsed(answer, _domain)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _call(
        self,
        operation: str,
        domain_id: str,
        members: Mapping[str, Any],
        unless: Callable[[], bool] | None = None,
    ) -> Mapping[str, Any]:
        send: Callable[..., Mapping[str, Any]] = getattr(self._api, xform_name(operation))
        retries = Retries()
        while True:
            if not self._pacer.acquire(operation, unless):
                raise NotNeeded
            try:
                return send(DomainId=domain_id, **members)
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
