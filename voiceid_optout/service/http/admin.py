"""The admin application: health, readiness, metrics, and test hooks where they were asked for; plain HTTP.

Without test hooks nothing of this is on the way of a request. With them, each passes ``FaultInjector`` first.
"""

import asyncio
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import repeat
from pathlib import Path
from typing import Any

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voiceid_optout.service.auth.quotas import ThrottledError
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.db.transaction import Request as Asked
from voiceid_optout.service.db.transaction import Result
from voiceid_optout.service.errors import ApiError, ServiceError, concurrent_changes, denied, internal, invalid
from voiceid_optout.service.http.app import ReplyLostError, Run
from voiceid_optout.service.http.metrics import Metrics, Waiting, exposition
from voiceid_optout.service.http.shapes import Validator
from voiceid_optout.service.operations.hooks import hooks_model, structure
from voiceid_optout.service.settings import is_loopback

TIMEOUT_SECONDS = 2.0
FULL_SECONDS = 10.0
"""For how long a change that found no room speaks against the next one."""

_ROOM_BYTES = 8 * 1024 * 1024  # what a batch of opt-outs can need at most: 512 people, each in a few pages
_THROTTLED_SECONDS = 0.1  # what a throttled caller is told to wait
_STATUS = {"ResourceNotFoundException": 404}


class NotReadyError(ServiceError):
    """The service cannot work now; the text says why."""


class InjectedFault(StrEnum):
    """What can be ordered. LOST_REPLY does the work and then closes the connection; the others do nothing else."""

    THROTTLING = "THROTTLING"
    INTERNAL_SERVER = "INTERNAL_SERVER"
    ACCESS_DENIED = "ACCESS_DENIED"
    CONCURRENT_CHANGES = "CONCURRENT_CHANGES"
    LOST_REPLY = "LOST_REPLY"

    def error(self) -> ApiError | None:
        """Return the answer to give instead of the operation's, or None for a reply that is to be lost."""
        match self:
            case InjectedFault.THROTTLING:
                return ThrottledError(_THROTTLED_SECONDS)
            case InjectedFault.INTERNAL_SERVER:
                return internal()
            case InjectedFault.ACCESS_DENIED:
                return denied("This call was told to fail by the admin port.")
            case InjectedFault.CONCURRENT_CHANGES:
                return concurrent_changes()
            case InjectedFault.LOST_REPLY:
                return None


class FaultInjector:
    """Lets the next calls of an operation fail as ordered, before or after ``run``; on the event loop."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ordered: dict[str, deque[InjectedFault]] = {}

    def order(self, operation: str, fault: str, count: int) -> None:
        """Let so many next calls of the operation fail; replaces what was ordered before."""
        self._ordered[operation] = deque(repeat(InjectedFault(fault), count))

    async def run(self, operation: str, request: Asked, mark: str | None = None) -> Result:
        """Run the operation, or let it fail; raises ApiError, and ReplyLostError after the work is done."""
        waiting = self._ordered.get(operation)
        fault = waiting.popleft() if waiting else None
        if fault is not None and (error := fault.error()) is not None:
            raise error
        result = await self._run(operation, request, mark)
        if fault is not None:
            raise ReplyLostError
        return result


def admin_app(
    model: Mapping[str, Any],
    store: Store,
    metrics: Metrics,
    connections: Callable[[], int],
    host: str,
    faults: FaultInjector | None = None,
) -> Starlette:
    """Return the application for the address ``host``, with test hooks if there is a store to let fail.

    Its routes are documented in docs/service.md.
    """

    async def ready(_request: Request) -> Response:
        try:
            await check(store)
        except NotReadyError as error:
            return JSONResponse({"Status": "not ready", "Reason": str(error)}, status_code=503)
        return JSONResponse({"Status": "ok"})

    async def counts(_request: Request) -> Response:
        waiting = {sink: Waiting(**state) for sink, state in (await store.run("EventLag", {})).items()}
        return Response(exposition(metrics, store.commits, connections(), waiting), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/healthz", _alive),
            Route("/readyz", ready),
            Route("/metrics", counts),
            *(_hooks(model, store, faults) if faults is not None else ()),
        ],
        # A web page in the user's browser must not reach the hooks through a name that resolves to loopback.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])]
        if is_loopback(host)
        else [],
        exception_handlers={ApiError: _refused},
    )


async def check(store: Store) -> None:
    """Return if the service can work; raises NotReadyError otherwise, after two seconds at most."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            schema = await store.run("CanRead", {})
            if not schema["Current"]:
                raise NotReadyError(f"the schema is at revision {schema['Revision']}, another release's")
            await store.run("CanWrite", {})
            # What is committed above is small, and finds room where opt-outs no longer do.
            if store.folder is not None:
                await asyncio.to_thread(_reserve, store.folder)
            if time.monotonic() - store.full_at < FULL_SECONDS:
                raise NotReadyError("there was no room for a change a moment ago; the disk is full")
    except TimeoutError:
        raise NotReadyError(f"the database did not answer within {TIMEOUT_SECONDS:g} seconds") from None
    except ServiceError as error:
        if isinstance(error, NotReadyError):
            raise
        raise NotReadyError("the database cannot be read or written; the log says why") from error


def _reserve(folder: Path) -> None:
    """Raise NotReadyError if the disk has no room for a batch of changes."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)
    except OSError as error:
        raise NotReadyError(
            f"the data folder has no room for {_ROOM_BYTES // 1024 // 1024} MiB more: {error.strerror}"
        ) from error


async def _alive(_request: Request) -> Response:
    """Answer, which is all there is to it: whether the database works is another question."""
    return JSONResponse({"Status": "ok"})


def _hooks(model: Mapping[str, Any], store: Store, faults: FaultInjector) -> list[Route]:
    hooks = hooks_model(model)
    shapes = {
        **hooks["shapes"],
        "OperationName": {"type": "string"},
        "Fault": {"type": "string", "enum": list(InjectedFault)},
        "Count": {"type": "integer", "min": 0, "max": 1000},
        "OrderedFaults": structure(
            {"Operation": {"shape": "OperationName"}, "Fault": {"shape": "Fault"}, "Count": {"shape": "Count"}},
            "Count",
        ),
    }
    operations = {**hooks["operations"], "OrderFaults": {"input": {"shape": "OrderedFaults"}}}
    validator = Validator({"shapes": shapes, "operations": operations})

    def hook(operation: str) -> Any:
        async def endpoint(request: Request) -> Response:
            body = {**await _body(request), **request.path_params}
            return JSONResponse(await store.run(operation, validator.request(operation, body)))

        return endpoint

    async def order_faults(request: Request) -> Response:
        wanted = validator.request("OrderFaults", await _body(request))
        if wanted["Operation"] not in model["operations"]:
            raise invalid("Operation must be the name of one of the API's operations.")
        faults.order(wanted["Operation"], wanted["Fault"], wanted.get("Count", 1))
        return JSONResponse(wanted)

    return [
        Route("/domains", hook("EnsureDomain"), methods=["POST"]),
        Route("/domains/{DomainId}/suspend", hook("SuspendDomain"), methods=["POST"]),
        Route("/domains/{DomainId}/reactivate", hook("ReactivateDomain"), methods=["POST"]),
        Route("/speakers", hook("SeedSpeaker"), methods=["POST"]),
        Route("/sessions", hook("SeedSession"), methods=["POST"]),
        Route("/faults", order_faults, methods=["POST"]),
    ]


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        return {}
    # A form posted by a web page has another content type, and this one needs the browser's consent.
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise invalid("Send JSON, with the header Content-Type: application/json.")
    try:
        body = await request.json()
    except (ValueError, RecursionError):
        raise invalid("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return body


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):  # registered for ApiError alone; the signature is Starlette's
        raise error
    status = _STATUS.get(error.code, error.status)
    return JSONResponse({"error": error.code, "message": error.text}, status_code=status)
