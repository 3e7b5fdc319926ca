"""The files of batch jobs: input manifests as AWS documents them, and the output files that answer them."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voiceid_optout.service.errors import ServiceError
from voiceid_optout.service.operations.jobs import JobKind
from voiceid_optout.speakers import CUSTOMER_ID

VERSION = "1.0"
MAX_AUDIO_FILES = 10
_MAX_REQUEST_ID = 256
_S3_URI = re.compile(r"s3://[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9]/.+", re.DOTALL)
_LISTS = {JobKind.ENROLLMENT: "SpeakerEnrollmentRequests", JobKind.REGISTRATION: "FraudsterRegistrationRequests"}
_SUCCESSES = {JobKind.ENROLLMENT: "SuccessfulEnrollments", JobKind.REGISTRATION: "SuccessfulRegistrations"}
_STATUSES = {JobKind.ENROLLMENT: "EnrollmentStatus", JobKind.REGISTRATION: "RegistrationStatus"}
_GENERATED = {JobKind.ENROLLMENT: "GeneratedSpeakerId", JobKind.REGISTRATION: "GeneratedFraudsterId"}


class ManifestError(ServiceError):
    """The manifest as a whole cannot be worked on. ``code`` goes into the job's failure; texts quote nothing."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of a manifest. ``fault`` says what is wrong with it; such a one has no ``speaker_id``."""

    request_id: str
    speaker_id: str | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: an error if ``code`` is set, else a ``status`` and the id the service gave."""

    code: int | None = None
    message: str = ""
    status: str = ""
    generated_id: str | None = None


def parse(content: bytes, kind: JobKind, limit: int) -> list[Entry]:
    """Return the manifest's requests in order, faulty ones marked; raises ManifestError."""
    name = _LISTS[kind]
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise ManifestError(400, "The input file is not JSON in UTF-8.") from None
    if not isinstance(document, dict) or document.get("Version") != VERSION:
        raise ManifestError(400, f'The input file must be a JSON object with "Version": "{VERSION}".')
    requests = document.get(name)
    if not isinstance(requests, list) or not requests:
        raise ManifestError(400, f"The input file must hold a list {name} with at least one request.")
    if len(requests) > limit:
        raise ManifestError(402, f"The input file holds more requests than a job can have: {limit}.")
    seen: set[str] = set()
    return [_entry(request, number, kind, seen) for number, request in enumerate(requests, 1)]


def _entry(request: Any, number: int, kind: JobKind, seen: set[str]) -> Entry:
    request_id = request.get("RequestId") if isinstance(request, dict) else None
    if not isinstance(request_id, str) or not 0 < len(request_id) <= _MAX_REQUEST_ID:
        # Without it no line of the output could say which request it is about.
        raise ManifestError(400, f"Request {number} of the input file has no RequestId of 1 to 256 characters.")
    if request_id in seen:
        return Entry(request_id, fault="RequestId is not unique within the input file.")
    seen.add(request_id)
    fault = _audio_fault(request.get("AudioSpecifications"))
    if kind is JobKind.REGISTRATION:
        return Entry(request_id, fault=fault)
    speaker_id = request.get("SpeakerId")
    if not isinstance(speaker_id, str) or CUSTOMER_ID.fullmatch(speaker_id) is None:
        fault = "SpeakerId must be a CustomerSpeakerId: 1 to 256 letters, digits, hyphens and underscores."
    return Entry(request_id, fault=fault) if fault else Entry(request_id, speaker_id)


def _audio_fault(audio: Any) -> str | None:
    if not isinstance(audio, list) or not 0 < len(audio) <= MAX_AUDIO_FILES:
        return f"AudioSpecifications must be a list of 1 to {MAX_AUDIO_FILES} recordings."
    for recording in audio:
        given = recording if isinstance(recording, Mapping) else {}
        uri, channel = given.get("S3Uri"), given.get("ChannelId")
        if not isinstance(uri, str) or _S3_URI.fullmatch(uri) is None:
            return "AudioSpecifications must name each recording by an S3Uri: s3://bucket/key."
        if type(channel) is not int or channel not in (0, 1):
            return "AudioSpecifications must give each recording a ChannelId: 0 or 1."
    return None


def output(kind: JobKind, entries: Sequence[Entry], outcome: Callable[[int], Outcome]) -> tuple[bytes, int]:
    """Return the output file and how many errors it holds; ``outcome`` tells what became of a place's entry."""
    errors: list[Mapping[str, Any]] = []
    successes: list[Mapping[str, Any]] = []
    for place, entry in enumerate(entries):
        result = Outcome(400, entry.fault) if entry.fault else outcome(place)
        if result.code is not None:
            line = {"RequestId": entry.request_id, "ErrorCode": result.code, "ErrorMessage": result.message}
            errors.append(line)
            continue
        success = {"RequestId": entry.request_id, _GENERATED[kind]: result.generated_id}
        if entry.speaker_id is not None:
            success["CustomerSpeakerId"] = entry.speaker_id
        successes.append({**success, _STATUSES[kind]: result.status})
    document = {"Version": VERSION, "Errors": errors, _SUCCESSES[kind]: successes}
    return json.dumps(document, indent=1).encode() + b"\n", len(errors)
