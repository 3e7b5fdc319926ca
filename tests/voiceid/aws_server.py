"""A small AWS on loopback: STS, the portal of single sign-on, and a Voice ID that notes who calls."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.voiceid.scripted import summary

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = timedelta(hours=1)


@dataclass
class Aws:
    """``assumed`` are the parameters of each AssumeRole with the key that asked, ``callers`` the keys that called
    Voice ID, ``logins`` the tokens that asked the SSO portal. ``refusal`` is a code of STS or the portal.
    """

    url: str = ""
    lifetime: timedelta = HOUR
    refusal: str = ""
    assumed: list[dict[str, str]] = field(default_factory=list)
    callers: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    def assume(self, caller: str, form: dict[str, str]) -> tuple[int, str]:
        if self.refusal:
            return 403, (
                '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
                f"<Code>{self.refusal}</Code><Message>User: planted-secret is not authorized</Message></Error>"
                "<RequestId>1</RequestId></ErrorResponse>"
            )
        self.assumed.append({"caller": caller, **form})
        number = len(self.assumed)
        expires = (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 200, (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>ASIAROLE{number}</AccessKeyId><SecretAccessKey>planted-secret</SecretAccessKey>"
            f"<SessionToken>token-{number}</SessionToken><Expiration>{expires}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>{form['RoleArn']}/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser>"
            "</AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"
        )


@contextmanager
def served() -> Iterator[Aws]:
    """Serve it for a while."""
    aws = Aws()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            signed = re.search(r"Credential=([^/]+)/", self.headers["Authorization"])
            assert signed is not None
            if self.headers.get("X-Amz-Target", "").startswith("VoiceID."):
                aws.callers.append(signed[1])
                speaker = summary(json.loads(body)["SpeakerId"])
                self.answer(200, "application/x-amz-json-1.0", json.dumps({"Speaker": speaker}))
                return
            form = {name: values[0] for name, values in parse_qs(body).items()}
            assert form["Action"] == "AssumeRole"
            self.answer(*(aws.assume(signed[1], form)))

        def do_GET(self) -> None:
            assert urlsplit(self.path).path == "/federation/credentials"
            aws.logins.append(self.headers["x-amz-sso_bearer_token"])
            if aws.refusal:
                self.answer(401, "application/json", json.dumps({"message": "planted-secret"}), aws.refusal)
                return
            role = {
                "accessKeyId": "ASIASSO",
                "secretAccessKey": "planted-secret",
                "sessionToken": "t",
                "expiration": int((datetime.now(UTC) + aws.lifetime).timestamp() * 1000),
            }
            self.answer(200, "application/json", json.dumps({"roleCredentials": role}))

        def answer(self, status: int, *rest: str) -> None:
            kind, text, error = {1: ("text/xml", *rest, ""), 2: (*rest, ""), 3: rest}[len(rest)]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            if error:
                self.send_header("x-amzn-ErrorType", error)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    aws.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()
