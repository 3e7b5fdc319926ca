"""Sends mutants to a real service over HTTP and judges every answer."""

import datetime as dt
import http.client
import json
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.service.calls import stamp
from tests.service.http.test_shapes import MODEL
from tests.service.mutations import DOMAINS, SECRET, Known, Mutant, mutant
from tests.service.running import REGION, Service

TIMEOUT = 600
CREW = 4
SAMPLES = 40
TYPE = re.compile(r"com\.amazonaws\.voiceid#(\w+)|com\.amazon\.coral\.service#\w+")
EMPTY = {name for name, operation in MODEL["operations"].items() if "output" not in operation}


@dataclass
class Report:
    """What was sent and answered: counts by level and by outcome, memory in KiB over time, and what was wrong."""

    levels: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def run(service: Service, seed: str, count: int) -> Report:
    """Send ``count`` mutants from several threads; a fault names the number that replays it."""
    report, known, lock = Report(), Known(), threading.Lock()
    numbers = iter(range(count))

    def work() -> None:
        for number in _taken(numbers, lock):
            if number % 97 == 0:
                _tidy(service, number)
            made = mutant(seed, number, known)
            outcome, faults = _judged(service, made, known)
            with lock:
                report.levels[made.level] += 1
                report.outcomes[outcome] += 1
                where = f"mutant {number} of seed {seed} ({made.level}, {made.operation})"
                report.faults += [f"{where}: {fault}" for fault in faults]
                if number % max(1, count // SAMPLES) == 0:
                    report.memory.append(_memory(service))

    crew = [threading.Thread(target=work) for _ in range(CREW)]
    for member in crew:
        member.start()
    for member in crew:
        member.join()
    return report


def _taken(numbers: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        yield number


def _tidy(service: Service, number: int) -> None:
    """Take back what deletions did, and seed what no call can make."""
    domain = DOMAINS[number % len(DOMAINS)]
    service.reactivate(domain)
    service.seed(domain, f"{SECRET}-{number % 30}", ("ENROLLED", "EXPIRED", "PENDING", "OPTED_OUT")[number % 4])
    body = {
        "DomainId": domain,
        "SessionName": "call-1",
        "CustomerSpeakerId": f"{SECRET}-1",
        "AuthenticationScore": 95,
    }
    service.admin("/sessions", body)


def _judged(service: Service, made: Mutant, known: Known) -> tuple[str, list[str]]:
    """Return the outcome and what is wrong with it."""
    try:
        status, headers, body = _send(service, made)
    except TimeoutError:
        return "hang", ["no answer"]
    except (OSError, http.client.HTTPException) as error:
        # Closing the connection is the answer to what is no HTTP; to anything else it is a fault.
        return "closed", [] if made.raw or made.level == "headers" else [f"connection lost: {type(error).__name__}"]
    if status >= 500:
        return str(status), [f"status {status}: {body[:300]!r}"]
    if made.raw and headers.get("content-type", "").startswith("text/plain"):
        return "not HTTP", []
    if status == 200:
        return "200", _success_faults(made, headers, body, known)
    if made.method == "HEAD":
        return "HEAD", []
    return _error(made, status, headers, body)


def _success_faults(made: Mutant, headers: dict[str, str], body: bytes, known: Known) -> list[str]:
    operation = (made.target or "").removeprefix("VoiceID.")
    if made.signing != "good":
        return ["accepted with a broken signature"]
    if operation in EMPTY:
        return [] if body == b"" else [f"an answer where none is due: {body[:200]!r}"]
    if headers.get("content-type") != "application/x-amz-json-1.0" or not headers.get("x-amzn-requestid"):
        return [f"headers of a success: {headers}"]
    known.learn(json.loads(body))
    return []


def _error(made: Mutant, status: int, headers: dict[str, str], body: bytes) -> tuple[str, list[str]]:
    try:
        document = json.loads(body)
    except ValueError:
        if made.level == "headers":  # too much of them is answered before the protocol
            return f"plain {status}", []
        return str(status), [f"status {status} without JSON: {body[:200]!r}"]
    kind = TYPE.fullmatch(str(document.get("__type")))
    faults = [] if kind else [f"__type is {document.get('__type')!r}"]
    message = document.get("Message", document.get("message"))
    if not isinstance(message, str):
        faults.append("no message")
    if SECRET in body.decode(errors="replace"):
        faults.append("a sensitive value is echoed")
    # What is too large to be read is answered before it is a request, so it has no id.
    numbered = "x-amzn-requestid" in headers or status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    if headers.get("content-type") != "application/x-amz-json-1.0" or not numbered:
        faults.append(f"headers of an error: {headers}")
    operation = (made.target or "").removeprefix("VoiceID.")
    if kind and kind[1] and operation in MODEL["operations"]:
        declared = {error["shape"] for error in MODEL["operations"][operation]["errors"]}
        if kind[1] not in declared:
            faults.append(f"{kind[1]} is not an error of {operation}")
    return str(document.get("__type", status)).rpartition("#")[2], faults


def _send(service: Service, made: Mutant) -> tuple[int, dict[str, str], bytes]:
    place = urlsplit(service.url)
    headers, body = _signed(service, made)
    lines = [f"{made.method} {made.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if not {"Content-Length", "Transfer-Encoding"} & set(headers):
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, "", ""]).encode("utf-8", errors="surrogatepass")
    with socket.create_connection((place.hostname, place.port), timeout=TIMEOUT) as connection:
        connection.sendall(head + body)
        if made.raw:
            connection.shutdown(socket.SHUT_WR)  # what is announced and does not come must not be waited for
        answer = http.client.HTTPResponse(connection, method=made.method)
        answer.begin()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read()


def _signed(service: Service, made: Mutant) -> tuple[dict[str, str], bytes]:
    """Return headers and body, signed as the mutant says: well, or wrong in one way."""
    headers = {"Host": urlsplit(service.url).netloc, **made.headers}
    if made.target is not None:
        headers["X-Amz-Target"] = made.target
    if made.signing in ("none", "garbage"):
        return headers | ({"Authorization": "AWS4-HMAC-SHA256 x"} if made.signing == "garbage" else {}), made.body
    key, secret = service.keys()
    credentials = Credentials(
        "AKIAUNKNOWN" if made.signing == "key" else key,
        secret + "x" if made.signing == "secret" else secret,
        "token" if made.signing == "token" else None,
    )
    name = "other" if made.signing == "service" else "voiceid"
    region = "eu-west-2" if made.signing == "region" else REGION
    # The headers that a proxy or the client's own transport sets are not signed by any client.
    plain = {name: value for name, value in headers.items() if name in ("Host", "Content-Type", "X-Amz-Target")}
    request = AWSRequest("POST", service.url + "/", plain, made.body)
    signer = (_Late if made.signing == "late" else SigV4Auth)(credentials, name, region)
    signer.add_auth(request)
    signed = {**headers, **dict(request.headers.items())}
    match made.signing:
        case "body":
            return signed, made.body + b" "
        case "header":
            signed["X-Amz-Target"] = "VoiceID.DeleteSpeaker " if made.target is None else made.target + "x"
        case "cut":
            signed["Authorization"] = signed["Authorization"][:-7]
        case "date":
            signed["X-Amz-Date"] = "yesterday"
    return signed, made.body


class _Late(SigV4Auth):  # type: ignore[misc]
    """Signs an hour in the past; botocore has no types."""

    def _set_necessary_date_headers(self, request: AWSRequest) -> None:
        request.context["timestamp"] = stamp(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
        super()._set_necessary_date_headers(request)


def _memory(service: Service) -> int:
    status = Path(f"/proc/{service.running.pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) if found else 0
