"""The admin application: health, metrics and test hooks, as JSON over plain HTTP on loopback."""

from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from optout.service.admin_operations import admin_model
from optout.service.errors import ApiError, invalid
from optout.service.metrics import Metrics
from optout.service.ordered_faults import Faults, times
from optout.service.store import Store
from optout.service.validation import Validator

_STATUS = {"ResourceNotFoundException": 404}


def admin_app(model: Mapping[str, Any], store: Store, metrics: Metrics, faults: Faults) -> Starlette:
    """Return the application; its routes are documented in docs/service.md."""
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
        faults.order(wanted["Operation"], times(wanted["Fault"], wanted.get("Count", 1)))
        return JSONResponse(wanted)

    async def health(_request: Request) -> Response:
        return JSONResponse(await store.run("Health", {}))

    async def counts(_request: Request) -> Response:
        return PlainTextResponse(metrics.text(store.commits))

    return Starlette(
        routes=[
            Route("/healthz", health),
            Route("/metrics", counts),
            Route("/domains", hook("EnsureDomain"), methods=["POST"]),
            Route("/domains/{DomainId}/suspend", hook("SuspendDomain"), methods=["POST"]),
            Route("/domains/{DomainId}/reactivate", hook("ReactivateDomain"), methods=["POST"]),
            Route("/speakers", hook("SeedSpeaker"), methods=["POST"]),
            Route("/sessions", hook("SeedSession"), methods=["POST"]),
            Route("/faults", order_faults, methods=["POST"]),
        ],
        # A web page in the user's browser must not reach the hooks through a name that resolves to loopback.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        exception_handlers={ApiError: _refused},
    )


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
