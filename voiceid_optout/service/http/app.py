"""The ASGI application of the Voice ID API: awsJson1_0 on ``POST /``.

It is one path and one verb, so it stands directly on ASGI. The order of checks is AWS's: signature, operation,
role, quota, JSON, constraints, then the operation itself.
"""

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from voiceid_optout.service import errors, ids
from voiceid_optout.service.auth.keys import is_reading
from voiceid_optout.service.auth.quotas import Gate
from voiceid_optout.service.auth.sigv4 import Verifier, header_map
from voiceid_optout.service.db.idempotency import mark_of
from voiceid_optout.service.db.transaction import Request, Result
from voiceid_optout.service.errors import ApiError
from voiceid_optout.service.http.metrics import OK, Metrics
from voiceid_optout.service.http.protocol import abort
from voiceid_optout.service.http.shapes import OutputFilter, Validator

MAX_BODY_BYTES = 2 * 1024 * 1024  # 200 tags of the longest keys and values, every character escaped, stay below
CONTENT_TYPE = b"application/x-amz-json-1.0"
# A client that numbers its calls reads the number in the answer too, and so knows one that is another call's.
CALL_HEADER = "x-optout-call"
_CALL = re.compile("[0-9A-Za-z-]{1,64}")
NO_OPERATION = "none"
LOST = "lost"
_FAULT = 500

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Run = Callable[[str, Request, str | None], Awaitable[Result]]
"""Takes an operation, its request and mark; returns its result, once it is durable if it changes anything."""

_log = logging.getLogger("voiceid_optout.service")


class ReplyLostError(Exception):
    """The work was done and the caller is not to hear of it."""


class VoiceIdApi:
    """Dispatches by X-Amz-Target to ``run``; answers every operation of the model."""

    def __init__(
        self,
        model: Mapping[str, Any],
        run: Run,
        verifier: Verifier,
        gate: Gate,
        metrics: Metrics,
        *,
        access_log: bool = False,
    ) -> None:
        prefix = model["metadata"]["targetPrefix"]
        self._operations = {f"{prefix}.{name}": name for name in model["operations"]}
        self._validator = Validator(model)
        self._filter = OutputFilter(model)
        self._run = run
        self._verifier = verifier
        self._gate = gate
        self._metrics = metrics
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = header_map(scope["headers"])
        call = _Call(self._operations.get(headers.get("x-amz-target", ""), NO_OPERATION))
        status, outcome = 200, OK
        extra: Sequence[tuple[bytes, bytes]] = ()
        try:
            body = await _read(receive)
            call.began = time.perf_counter()
            result = await self._answer(scope, headers, call, body)
            content = b"" if result is None else _encode(result)
        except ReplyLostError:
            self._metrics.count(call.operation, LOST, time.perf_counter() - call.began)
            await _break_off(receive, send)
            return
        except ApiError as error:
            status, outcome, content, extra = error.status, error.code, _encode(error.body()), error.headers
        except Exception as error:  # noqa: BLE001  a fault of ours must still be a well-formed answer
            _log.error("%s failed: %s", call.operation, type(error).__name__, extra={"request_id": call.request_id})
            fault = errors.internal()
            status, outcome, content = fault.status, fault.code, _encode(fault.body())
        seconds = time.perf_counter() - call.began
        self._metrics.count(call.operation, outcome, seconds)
        if self._access_log or status >= _FAULT:
            self._log(call, status, outcome, seconds)
        if _CALL.fullmatch(number := headers.get(CALL_HEADER, "")):
            extra = (*extra, (CALL_HEADER.encode(), number.encode()))
        await _respond(send, status, content, call.request_id, extra)

    async def _answer(
        self, scope: Scope, headers: Mapping[str, str], call: "_Call", body: bytes
    ) -> dict[str, Any] | None:
        if scope["method"] != "POST" or scope["path"] != "/" or scope["query_string"]:
            raise errors.unknown_operation(status=404)
        signed = self._verifier.verify(headers, body, time.time())
        call.key = signed.key.access_key_id
        operation = call.operation
        if operation == NO_OPERATION:
            raise errors.unknown_operation()
        self._gate.admit(signed, operation)
        request = self._validator.request(operation, _decode(body))
        mark = None if is_reading(operation) else mark_of(signed.dated, signed.signature)
        return self._filter.result(operation, await self._run(operation, request, mark))

    def _log(self, call: "_Call", status: int, outcome: str, seconds: float) -> None:
        about = {
            "request_id": call.request_id,
            "operation": call.operation,
            "status": status,
            "outcome": outcome,
            "milliseconds": round(seconds * 1000, 2),
            "key": call.key,
        }
        if status >= _FAULT:
            _log.error("A request failed.", extra=about)
        elif self._access_log:
            _log.info("A request was answered.", extra=about)


class _Call:
    """What is known of a request before its answer: the key is empty until a signature held."""

    __slots__ = ("began", "key", "operation", "request_id")

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.request_id = ids.request_id()
        self.key = ""
        self.began = time.perf_counter()


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise errors.FrameworkError("RequestAbortedException", "The client left before its request was whole.")
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise errors.FrameworkError(
                "RequestEntityTooLargeException", f"A body can have {MAX_BODY_BYTES} bytes.", status=413
            )
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _decode(body: bytes) -> Any:
    try:
        # The protocol lets a client leave out the body of an operation without input.
        return _DECODER.decode(body.decode("utf-8")) if body else {}
    except (ValueError, RecursionError):
        raise errors.serialization("The body is not JSON in UTF-8.") from None


def _no_constant(_text: str) -> None:
    raise ValueError  # NaN and the infinities are Python's, not JSON's


# Made once: json.loads and json.dumps make a new one for every call with options.
_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def _encode(document: Mapping[str, Any]) -> bytes:
    return _ENCODER.encode(document).encode()


async def _break_off(receive: Receive, send: Send) -> None:
    # ASGI has no word for it, and half an answer is no loss: botocore takes it for an empty success.
    abort(send)
    while (await receive())["type"] != "http.disconnect":
        pass


async def _respond(
    send: Send, status: int, content: bytes, request_id: str, extra: Sequence[tuple[bytes, bytes]]
) -> None:
    headers = [
        (b"x-amzn-requestid", request_id.encode()),
        (b"content-type", CONTENT_TYPE),
        (b"content-length", str(len(content)).encode()),
        *extra,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
