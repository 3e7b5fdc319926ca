"""The admin application: health, readiness, metrics, and test hooks where they were asked for; plain HTTP."""

from collections.abc import Mapping
from typing import Any

from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from voiceid_optout.service.db import readiness
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.errors import ApiError, invalid
from voiceid_optout.service.http.hooks import FaultyStore, admin_model
from voiceid_optout.service.http.metrics import Metrics, Process, Waiting, exposition
from voiceid_optout.service.http.shapes import Validator
from voiceid_optout.service.settings import is_loopback

_STATUS = {"ResourceNotFoundException": 404}


def admin_app(
    model: Mapping[str, Any],
    store: Store,
    metrics: Metrics,
    process: Process,
    host: str,
    faults: FaultyStore | None = None,
) -> Starlette:
    """Return the application for the address ``host``, with test hooks if there is a store to let fail.

    Its routes are documented in docs/service.md.
    """

    async def ready(_request: Request) -> Response:
        try:
            await readiness.check(store)
        except readiness.NotReadyError as error:
            return JSONResponse({"Status": "not ready", "Reason": str(error)}, status_code=503)
        return JSONResponse({"Status": "ok"})

    async def counts(_request: Request) -> Response:
        waiting = {sink: Waiting(**state) for sink, state in (await store.run("EventLag", {})).items()}
        return Response(exposition(metrics, process, waiting), media_type=CONTENT_TYPE_LATEST)

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


async def _alive(_request: Request) -> Response:
    """Answer, which is all there is to it: whether the database works is another question."""
    return JSONResponse({"Status": "ok"})


def _hooks(model: Mapping[str, Any], store: Store, faults: FaultyStore) -> list[Route]:
    validator = Validator(admin_model(model))

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
