"""The same requests as the AWS SDK's, made and read in a fifth of its processor time.

The SDK builds each call anew: endpoint rules, a dozen hooks, headers, signature, a general parser. Here all that is
the same for each call is made once. The SDK stays the client that is configured: its session finds credentials,
region, certificates and timeouts, and opens the connections. A call that is in any way out of the ordinary is left
to the SDK: see :meth:`DirectCalls.call` and docs/adr/0025-direct-calls.md.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import time
import uuid
import weakref
from collections import deque
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

CALL_HEADER = "X-Optout-Call"
_CONTENT_TYPE = "application/x-amz-json-1.0"
_OK = 200
_CLIENT_FAULTS = range(400, 500)
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
        body, headers = self.request(
            operation, members, credentials.get_frozen_credentials(), str(uuid.uuid4()), time.time()
        )
        reply = self._exchange(body, {"Host": self._host, **headers})
        if reply is None:
            return None
        response, answer = reply
        if response.status == _OK:
            return answer
        code = _error_code(answer)
        if response.status not in _CLIENT_FAULTS or code not in self._known_codes:
            return None
        meta = {
            "HTTPStatusCode": response.status,
            "HTTPHeaders": {name.lower(): value for name, value in response.headers.items()},
        }
        raise ClientError({**answer, "Error": {"Code": code}, "ResponseMetadata": meta}, operation)

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
            CALL_HEADER.lower(): call,
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

    def _exchange(
        self, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, dict[str, Any]] | None:
        """Send a request and return what came back, whole and a JSON object; else None, and the connection ends."""
        connection = None
        try:
            connection = self._connection()
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            content = response.read()
            answer = _parsed(content, response.headers.get("content-length"))
        except (OSError, http.client.HTTPException, HTTPError, ValueError, RecursionError):
            if connection is not None:
                connection.close()
            return None
        if connection.sock is not None:  # it is closed already where the service says so
            self._idle.append(connection)
        return response, answer

    def _connection(self) -> _Connection:
        """Return the connection used last, or one that the SDK has opened, as its settings say."""
        with suppress(IndexError):
            return self._idle.pop()
        session = self._session
        pool = session._manager.connection_from_url(self._url)  # noqa: SLF001
        session._setup_ssl_cert(pool, self._url, session._verify)  # noqa: SLF001
        opened = pool._new_conn()  # noqa: SLF001
        opened.connect()
        opened.sock.settimeout(self._timeout)
        return _Connection(self._host, opened)


class _Connection(http.client.HTTPConnection):
    """The standard library's connection on a socket that the SDK has opened."""

    auto_open = 0  # the SDK opens connections, and this class opens none

    def __init__(self, host: str, opened: Any) -> None:
        super().__init__(host)
        self._opened = opened  # it closes the socket when it goes
        self.sock = opened.sock

    def close(self) -> None:
        super().close()
        self._opened.close()


def _close(idle: deque[_Connection]) -> None:
    while idle:
        idle.pop().close()


@lru_cache(maxsize=8)
def _signing_key(secret: str, scope: str) -> bytes:
    """Return the key for a day, a region and a service: Signature Version 4's derivation."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _parsed(content: bytes, length: str | None) -> dict[str, Any]:
    """Return an answer's JSON object, {} for an empty one; raises ValueError where its end is missing."""
    if length is not None and length != str(len(content)):
        raise ValueError("the end did not arrive")
    answer = {} if length == "0" else json.loads(content)
    if not isinstance(answer, dict):
        raise ValueError("no object")  # noqa: TRY004 - as for any other text that is no answer
    return answer


def _error_code(answer: Mapping[str, Any]) -> str:
    """Return the code as AWS JSON has it, after a ``#`` and before a colon."""
    code = answer.get("__type")
    return code.split(":", 1)[0].rsplit("#", 1)[-1] if isinstance(code, str) else ""
