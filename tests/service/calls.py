"""Raw requests, signed by botocore's signer, for what no SDK would send."""

import datetime as dt
import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.service.running import REGION, TIMEOUT, Service


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's shape id."""
        return str(self.document["__type"])


def send(service: Service, headers: dict[str, str], body: bytes, method: str = "POST", path: str = "/") -> Answer:
    place = urlsplit(service.url)
    assert place.hostname
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=TIMEOUT)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def signed(
    service: Service,
    body: bytes,
    *,
    target: str | None = "VoiceID.OptOutSpeaker",
    keys: tuple[str, str] | None = None,
    region: str = REGION,
    scope: str = "voiceid",
    token: str | None = None,
    extra: dict[str, str] | None = None,
) -> dict[str, str]:
    """Return the headers of a request as a client would sign it."""
    headers = {"Content-Type": "application/x-amz-json-1.0", "Host": urlsplit(service.url).netloc, **(extra or {})}
    if target is not None:
        headers["X-Amz-Target"] = target
    request = AWSRequest("POST", service.url + "/", headers, body)
    SigV4Auth(Credentials(*(keys or service.keys()), token), scope, region).add_auth(request)
    return dict(request.headers.items())


def call(service: Service, operation: str, body: bytes) -> Answer:
    """Send one signed request."""
    return send(service, signed(service, body, target=f"VoiceID.{operation}"), body)


def stamp(moment: dt.datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")
