"""A sink that is a web address: batches of events as JSON, signed with a shared secret."""

import hashlib
import hmac
import time

import urllib3

from voiceid_optout.service.events.sinks import WEBHOOK, SinkError, WebhookSettings
from voiceid_optout.service.secret_source import SecretError

SIGNATURE_HEADER = "Voiceid-Signature"
_TIMEOUT = urllib3.Timeout(connect=5, read=10)
_SUCCESS = range(200, 300)


class WebhookSink:
    """POSTs a JSON array of events; any 2xx answer means that they have arrived."""

    name = WEBHOOK
    batch = 100

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._http = urllib3.PoolManager(num_pools=1, timeout=_TIMEOUT, retries=False)

    def deliver(self, bodies: list[str]) -> None:
        """Send the events in one request; raises SinkError, whose text never holds the address."""
        try:
            # Looked up for every batch, so that a new secret counts without a restart.
            secret = self._settings.secret.resolve()
        except SecretError as error:
            raise SinkError(f"the webhook's secret cannot be had: {error}") from error
        body = f"[{','.join(bodies)}]".encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(secret, body, int(time.time())),
        }
        try:
            answer = self._http.request("POST", self._settings.url, body=body, headers=headers, redirect=False)
        except urllib3.exceptions.HTTPError as error:
            # Its text quotes the address, which may carry a token.
            raise SinkError(f"the webhook cannot be reached ({type(error).__name__})") from None
        if answer.status not in _SUCCESS:
            raise SinkError(f"the webhook answered {answer.status}", _seconds(answer.headers.get("Retry-After")))


def signature(secret: str, body: bytes, now: int) -> str:
    """Return the header's value: HMAC-SHA256 over the time in epoch seconds, a full stop and the body."""
    digest = hmac.new(secret.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0
