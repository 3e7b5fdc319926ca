import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

from tests.service.events.sinks import webhook
from voiceid_optout.service.events.sinks import SinkError, WebhookSettings
from voiceid_optout.service.events.webhook import WebhookSink
from voiceid_optout.service.secret_source import Kind, SecretSource

SECRET = SecretSource(Kind.STORED, "shared-secret")


def verified(secret: str, headers: dict[str, str], body: bytes, now: float, tolerance: float = 300) -> bool:
    """Check a request as docs/service-operations.md tells receivers to."""
    fields = dict(part.split("=", 1) for part in headers["voiceid-signature"].split(","))
    expected = hmac.new(secret.encode(), fields["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, fields["v1"]) and abs(now - int(fields["t"])) <= tolerance


def test_a_batch_is_one_signed_request() -> None:
    with webhook() as hook:
        WebhookSink(WebhookSettings(hook.url, SECRET)).deliver(['{"a":1}', '{"b":2}'])
    ((headers, body),) = hook.requests
    assert json.loads(body) == [{"a": 1}, {"b": 2}]
    assert headers["content-type"] == "application/json"
    assert verified("shared-secret", headers, body, time.time())
    assert not verified("another", headers, body, time.time())
    assert not verified("shared-secret", headers, body + b" ", time.time())
    assert not verified("shared-secret", headers, body, time.time() + 301)


@pytest.mark.parametrize("status", [301, 400, 401, 410, 429, 500, 503])
def test_any_answer_but_success_is_a_failure(status: int) -> None:
    with webhook() as hook:
        hook.statuses = [status]
        hook.headers = {"Retry-After": "7", "Location": "/elsewhere"}
        with pytest.raises(SinkError, match=f"answered {status}") as refusal:
            WebhookSink(WebhookSettings(hook.url, SECRET)).deliver(["{}"])
    assert refusal.value.wait == 7.0
    assert hook.requests == []


def test_an_address_that_is_away_is_not_quoted() -> None:
    with webhook() as hook:
        pass
    with pytest.raises(SinkError, match="cannot be reached") as refusal:
        WebhookSink(WebhookSettings(hook.url, SECRET)).deliver(["{}"])
    assert "not-for-logs" not in str(refusal.value)


def test_a_secret_is_looked_up_for_every_batch(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    sink = WebhookSink(WebhookSettings("", SecretSource(Kind.FILE, str(path))))
    with pytest.raises(SinkError, match="secret cannot be had"):
        sink.deliver(["{}"])
    with webhook() as hook:
        sink = WebhookSink(WebhookSettings(hook.url, SecretSource(Kind.FILE, str(path))))
        for secret in ("first", "second"):
            path.write_text(secret)
            path.chmod(0o600)
            sink.deliver(["{}"])
            headers, body = hook.requests[-1]
            assert verified(secret, headers, body, time.time())
