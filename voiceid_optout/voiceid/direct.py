"""The same requests as the AWS SDK's, made and read in a fifth of its processor time.

The SDK builds each call anew: endpoint rules, a dozen hooks, headers, signature, a general parser. Here all that is
the same for each call is made once. The SDK stays the client that is configured: its session finds credentials,
region, certificates and timeouts, and opens the connections. A call that is in any way out of the ordinary is left
to the SDK: see :meth:`DirectCalls.call` and docs/adr/0025-direct-calls.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import re
import ssl
import time
import uuid
import weakref
from collections import deque
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

CALL_HEADER = "X-Optout-Call"
_CALL = CALL_HEADER.lower()
_CONTENT_TYPE = "application/x-amz-json-1.0"
_OK = 200
_CLIENT_FAULTS = range(400, 500)
_STATUS = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")
_LENGTH = re.compile("[0-9]{1,9}")
_LONGEST_LINE, _MOST_HEADERS = 65_536, 100
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class DirectCalls:
    """Signed calls on connections of their own; thread-safe.

    ``api`` is the boto3 client; ``tries`` what its retries are set to; ``known_codes`` the error codes of answers
    that mean the same whoever reads them.
    """

    def __init__(self, api: Any, *, user_agent: str, tries: int, known_codes: Collection[str]) -> None:
        url = urlsplit(api.meta.endpoint_url)
        self._session = api._endpoint.http_session  # noqa: SLF001 - see tests/voiceid/test_direct.py
        self._signer = api._request_signer  # noqa: SLF001
        self._url = api.meta.endpoint_url
        self._host = url.netloc.lower().removesuffix(_DEFAULT_PORTS.get(url.scheme, ""))
        self._target = f"{api.meta.service_model.metadata['targetPrefix']}."
        self._name, self._region = api.meta.service_model.signing_name, api.meta.region_name
        self._user_agent, self._tries, self._known_codes = user_agent, tries, known_codes
        self._timeout: float = api.meta.config.read_timeout
        proxies = self._session._proxy_config  # noqa: SLF001
        self._is_plain = (
            url.path in {"", "/"}
            and "@" not in url.netloc
            and api.meta.config.signature_version == "v4"
            and proxies.proxy_url_for(self._url) is None
        )
        self._idle: deque[_Connection] = deque()
        self.close = weakref.finalize(self, _close, self._idle)

    def call(self, operation: str, members: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the answer, a JSON object; None if the SDK is to make this call, from the start.

        The SDK makes it where there is a proxy, where no credentials are found, and after any fault of a connection
        or of the service, because it knows what may be repeated. Every operation of ours may be. Raises ClientError
        as the SDK does, for answers with a code of ``known_codes``, and what fetching credentials raises.
        """
        credentials = self._signer._credentials  # noqa: SLF001
        if not self._is_plain or credentials is None:
            return None
        number = call_number()
        body, headers = self.request(operation, members, credentials.get_frozen_credentials(), number, time.time())
        reply = self._exchange(_wire(self._host, headers, body), number)
        if reply is None:
            return None
        if reply.status == _OK:
            return reply.answer
        code = _error_code(reply.answer)
        if reply.status not in _CLIENT_FAULTS or code not in self._known_codes:
            return None
        meta = {"HTTPStatusCode": reply.status, "HTTPHeaders": reply.headers}
        raise ClientError({**reply.answer, "Error": {"Code": code}, "ResponseMetadata": meta}, operation)

    def request(
        self, operation: str, members: Mapping[str, Any], keys: Any, call: str, now: float
    ) -> tuple[bytes, dict[str, str]]:
        """Return the body of a request, and its headers in the SDK's order.

        ``call`` is the number of the call, ``now`` in epoch seconds.
        """
        body = json.dumps(members).encode()
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        signed = {
            "content-type": _CONTENT_TYPE,
            "host": self._host,
            "x-amz-date": moment,
            **({"x-amz-security-token": keys.token} if keys.token else {}),
            "x-amz-target": self._target + operation,
            _CALL: call,
        }
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{moment[:8]}/{self._region}/{self._name}/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        key = _signing_key(keys.secret_key, scope)
        signature = hmac.digest(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}".encode(), "sha256").hex()
        return body, {
            "X-Amz-Target": self._target + operation,
            "Content-Type": _CONTENT_TYPE,
            "User-Agent": self._user_agent,
            CALL_HEADER: call,
            "X-Amz-Date": moment,
            **({"X-Amz-Security-Token": keys.token} if keys.token else {}),
            "Authorization": f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}",
            "amz-sdk-invocation-id": call,
            "amz-sdk-request": f"attempt=1; max={self._tries}",
            "Content-Length": str(len(body)),
        }

    def _exchange(self, request: bytes, number: str) -> _Reply | None:
        """Send a request and return what came back, whole and a JSON object; else None, and the connection ends."""
        connection = None
        try:
            connection = self._connection()
            connection.socket.sendall(request)
            reply = _read(connection.answers, number)
        except (OSError, HTTPError, ValueError, RecursionError):
            if connection is not None:
                connection.close()
            return None
        if reply.headers.get("connection", "").lower() == "close":
            connection.close()
        else:
            self._idle.append(connection)
        return reply

    def _connection(self) -> _Connection:
        """Return the connection used last, or one that the SDK has opened, as its settings say."""
        with suppress(IndexError):
            while not (connection := self._idle.pop()).is_quiet():
                connection.close()
            return connection
        session = self._session
        pool = session._manager.connection_from_url(self._url)  # noqa: SLF001
        session._setup_ssl_cert(pool, self._url, session._verify)  # noqa: SLF001
        opened = pool._new_conn()  # noqa: SLF001
        opened.connect()
        opened.sock.settimeout(self._timeout)
        return _Connection(opened)


def call_number() -> str:
    """Return a number that no other call has, a UUID as the SDK makes it.

    Not by :func:`uuid.uuid4`: to ask the system for chance lets every other thread go first. No secret depends on
    it, and the module's own generator, unlike one of ours, begins anew in a process that was forked.
    """
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


class _Connection:
    """A connection that the SDK has opened; what is read from it is read through ``answers``."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        self.socket = opened.sock
        self.answers: BinaryIO = self.socket.makefile("rb")

    def is_quiet(self) -> bool:
        """Tell whether nothing came since the last answer: it would be taken for the answer to the next call."""
        timeout = self.socket.gettimeout()
        self.socket.settimeout(0)
        try:
            return not self.answers.peek(1)  # type: ignore[attr-defined]  # a BufferedReader, which has it
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False
        finally:
            self.socket.settimeout(timeout)

    def close(self) -> None:
        self.answers.close()
        self._opened.close()


def _close(idle: deque[_Connection]) -> None:
    while idle:
        idle.pop().close()


def _wire(host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a request as HTTP/1.1 has it."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST / HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: identity\r\n{lines}\r\n".encode("ascii") + body


class _Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    answer: dict[str, Any]


def _read(answers: BinaryIO, number: str) -> _Reply:
    """Read the answer to a call; its length is said, the only kind that AWS and our service give.

    Raises ValueError for any other, for one whose end is missing, and for one that says the number of another call
    and is that call's, come late or twice. Raises OSError as the connection does.
    """
    status = _STATUS.fullmatch(answers.readline(_LONGEST_LINE))
    headers: dict[str, str] = {}
    while (line := answers.readline(_LONGEST_LINE)) != b"\r\n":
        name, colon, value = line.decode("latin-1").partition(":")
        name = name.lower()
        if not colon or not line.endswith(b"\n") or name in headers or len(headers) == _MOST_HEADERS:
            raise ValueError("no header, or one of too many")
        headers[name] = value.strip()
    length = headers.get("content-length", "")
    if status is None or "transfer-encoding" in headers or not _LENGTH.fullmatch(length):
        raise ValueError("not an ordinary answer")
    content = answers.read(int(length))
    answer = json.loads(content) if int(length) else {}
    if len(content) != int(length) or not isinstance(answer, dict) or headers.get(_CALL, number) != number:
        raise ValueError("not a whole object, or not for this call")
    return _Reply(int(status[1]), headers, answer)


@lru_cache(maxsize=8)
def _signing_key(secret: str, scope: str) -> bytes:
    """Return the key for a day, a region and a service: Signature Version 4's derivation."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _error_code(answer: Mapping[str, Any]) -> str:
    """Return the code as AWS JSON has it, after a ``#`` and before a colon."""
    code = answer.get("__type")
    return code.split(":", 1)[0].rsplit("#", 1)[-1] if isinstance(code, str) else ""
