"""The service as a whole: lock, keys, store, listeners, and an orderly end."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import Any

import uvicorn

from optout.model import load_model
from optout.service import folder
from optout.service.admin_operations import ADMIN, admin_model
from optout.service.app import VoiceIdApi
from optout.service.errors import ApiError, StartError
from optout.service.job_runner import JobRunner
from optout.service.keys import FILE_NAME as CREDENTIALS_NAME
from optout.service.keys import load_keys
from optout.service.metrics import Metrics
from optout.service.objects import ObjectStore, open_store
from optout.service.operations import BACKGROUND, OFFERED, WITHOUT_OBJECTS
from optout.service.ordered_faults import Faults
from optout.service.running import Running
from optout.service.settings import Settings
from optout.service.sigv4 import Verifier
from optout.service.store import Store
from optout.service.transaction import Limits
from optout.service.validation import Validator

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 5  # for requests in flight when the service is told to stop
HOUSEKEEPING_SECONDS = 3600

OnReady = Callable[[Running], None]


async def serve(settings: Settings, stop: asyncio.Event, on_ready: OnReady) -> None:
    """Serve until ``stop`` is set; raises StartError if it cannot start.

    ``on_ready`` is called once, when both listeners accept connections and ``endpoint.json`` is written.
    """
    data = settings.data
    folder.prepare(data)
    with ExitStack() as stack:
        stack.enter_context(folder.held(data))
        keys = load_keys(data)
        sockets = [stack.enter_context(_bound(settings.host, settings.port))]
        if settings.admin_port is not None:
            sockets.append(stack.enter_context(_bound(LOOPBACK, settings.admin_port)))
        async with _applications(settings, keys) as applications, _listening(applications, sockets):
            running = _running(settings, sockets)
            with folder.announced(data, _endpoint(running)):
                on_ready(running)
                await stop.wait()


@asynccontextmanager
async def _applications(settings: Settings, keys: dict[str, str]) -> AsyncIterator[list[Any]]:
    model, metrics = load_model(), Metrics()
    faults = Faults()
    objects = None if settings.objects is None else open_store(settings.objects)
    offered = OFFERED if objects is not None else {**OFFERED, **WITHOUT_OBJECTS}
    operations = {**offered, **BACKGROUND, **ADMIN}
    store = Store(settings.data, settings.tenant, operations, database=settings.database)
    housekeeping = asyncio.create_task(_keep_house(store))
    try:
        await _ensure_domains(settings, store, model)
        verifier = Verifier(keys, settings.tenant.region)
        applications: list[Any] = [VoiceIdApi(model, store, verifier, metrics, faults)]
        if settings.admin_port is not None:
            from optout.service.admin import admin_app  # noqa: PLC0415  Starlette is only loaded for these

            applications.append(admin_app(model, store, metrics, faults))
        async with _running_jobs(store, objects, settings.tenant.limits):
            yield applications
    finally:
        housekeeping.cancel()
        await asyncio.to_thread(store.close)


async def _ensure_domains(settings: Settings, store: Store, model: dict[str, Any]) -> None:
    if not settings.domains:
        return
    validator = Validator(admin_model(model))
    for domain_id, name in settings.domains:
        try:
            request = validator.request("EnsureDomain", {"DomainId": domain_id, "Name": name})
            await store.run("EnsureDomain", request)
        except ApiError as error:
            raise StartError(f"The domain '{domain_id}' cannot be made: {error.text}") from error


@asynccontextmanager
async def _running_jobs(store: Store, objects: ObjectStore | None, limits: Limits) -> AsyncIterator[None]:
    if objects is None:
        yield
        return
    runner = JobRunner(store, objects, limits)
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        runner.stop()
        await asyncio.wait([task], timeout=STOP_SECONDS)
        task.cancel()  # what still reads or writes an object is not waited for; its lease runs out


async def _keep_house(store: Store) -> None:
    while True:
        with suppress(ApiError):  # the disk may be full; the worker has logged it and the next hour tries again
            await store.run("EraseDeleted", {})
            while (await store.run("ExpireSpeakers", {}))["Expired"]:
                pass
        await asyncio.sleep(HOUSEKEEPING_SECONDS)


@asynccontextmanager
async def _listening(applications: list[Any], sockets: list[socket.socket]) -> AsyncIterator[None]:
    servers = [_Server(_config(application)) for application in applications]
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, listener in zip(servers, sockets, strict=True)
    ]
    try:
        for server in servers:
            await server.ready.wait()
        yield
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller: two servers share this process."""
        yield


def _config(application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        interface="asgi3",
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise StartError(
                f"Cannot listen on {host} port {port}: {reason}. Choose another with --port, or 0 for any free one."
            ) from error
        yield listener


def _running(settings: Settings, sockets: list[socket.socket]) -> Running:
    urls = [_url(listener) for listener in sockets]
    return Running(
        url=urls[0],
        admin_url=urls[1] if len(urls) > 1 else None,
        pid=os.getpid(),
        region=settings.tenant.region,
        credentials_file=settings.data / CREDENTIALS_NAME,
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  not a bind: a wildcard is no address to call
        host = LOOPBACK
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _endpoint(running: Running) -> dict[str, str | int]:
    endpoint: dict[str, str | int] = {"url": running.url, "pid": running.pid, "region": running.region}
    if running.admin_url is not None:
        endpoint["admin_url"] = running.admin_url
    return endpoint
