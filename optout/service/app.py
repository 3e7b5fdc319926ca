"""The ASGI application of the Voice ID API: awsJson1_0 on ``POST /``.

It is one path and one verb, so it stands directly on ASGI. The order of checks is AWS's: signature, operation,
JSON, constraints, then the operation itself.
"""

import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from optout.service import errors, ids
from optout.service.errors import ApiError
from optout.service.metrics import OK, Metrics
from optout.service.ordered_faults import Faults
from optout.service.output import OutputFilter
from optout.service.sigv4 import Verifier, header_map
from optout.service.store import Store
from optout.service.validation import Validator

MAX_BODY_BYTES = 2 * 1024 * 1024  # 200 tags of the longest keys and values, every character escaped, stay below
CONTENT_TYPE = b"application/x-amz-json-1.0"
NO_OPERATION = "none"
LOST = "lost"

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_log = logging.getLogger("optout.service")


class _ReplyLostError(Exception):
    """The work was done and the caller is not to hear of it."""


class VoiceIdApi:
    """Dispatches by X-Amz-Target to the store; answers every operation of the model."""

    def __init__(
        self,
        model: Mapping[str, Any],
        store: Store,
        verifier: Verifier,
        metrics: Metrics,
        faults: Faults,
    ) -> None:
        prefix = model["metadata"]["targetPrefix"]
        self._operations = {f"{prefix}.{name}": name for name in model["operations"]}
        self._validator = Validator(model)
        self._filter = OutputFilter(model)
        self._store = store
        self._verifier = verifier
        self._metrics = metrics
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = header_map(scope["headers"])
        operation = self._operations.get(headers.get("x-amz-target", ""), NO_OPERATION)
        status, outcome = 200, OK
        try:
            body = await _read(receive)
            result = await self._answer(scope, headers, operation, body)
            content = b"" if result is None else _encode(result)
        except _ReplyLostError:
            self._metrics.count(operation, LOST)
            await _break_off(receive, send)
            return
        except ApiError as error:
            status, outcome, content = error.status, error.code, _encode(error.body())
        except Exception as error:  # noqa: BLE001  a fault of ours must still be a well-formed answer
            _log.error("%s failed: %s", operation, type(error).__name__)
            fault = errors.internal()
            status, outcome, content = fault.status, fault.code, _encode(fault.body())
        self._metrics.count(operation, outcome)
        await _respond(send, status, content)

    async def _answer(
        self, scope: Scope, headers: Mapping[str, str], operation: str, body: bytes
    ) -> dict[str, Any] | None:
        if scope["method"] != "POST" or scope["path"] != "/" or scope["query_string"]:
            raise errors.unknown_operation(status=404)
        self._verifier.verify(headers, body, time.time())
        if operation == NO_OPERATION:
            raise errors.unknown_operation()
        request = self._validator.request(operation, _decode(body))
        fault = self._faults.take(operation)
        if fault is not None and (ordered := fault.error()) is not None:
            raise ordered
        result = self._filter.result(operation, await self._store.run(operation, request))
        if fault is not None:
            raise _ReplyLostError
        return result


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
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
    method_of_uvicorn: Any = send
    method_of_uvicorn.__self__.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _respond(send: Send, status: int, content: bytes) -> None:
    headers = [
        (b"x-amzn-requestid", ids.request_id().encode()),
        (b"content-type", CONTENT_TYPE),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
