"""The service from start to end: its lock, its parts, its listeners, what runs beside them, and an orderly end."""

import asyncio
import logging
import os
import socket
import ssl
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from voiceid_optout.model import load_model
from voiceid_optout.service import data_folder
from voiceid_optout.service.auth.keys import KEYS, Keys
from voiceid_optout.service.auth.quotas import Gate, Quotas
from voiceid_optout.service.auth.sigv4 import Verifier
from voiceid_optout.service.data_folder import CREDENTIALS_NAME, Running
from voiceid_optout.service.db.database import READINESS
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.errors import ApiError, StartError
from voiceid_optout.service.events.delivery import Delivery, JsonLinesSink, Sink, WebhookSink
from voiceid_optout.service.events.outbox import DELIVERY
from voiceid_optout.service.http.app import VoiceIdApi
from voiceid_optout.service.http.metrics import Metrics
from voiceid_optout.service.http.servers import Listener, Server, bound, listening, renewing, tls_context, url
from voiceid_optout.service.http.shapes import Validator
from voiceid_optout.service.jobs.objects import open_objects
from voiceid_optout.service.jobs.runner import run_jobs
from voiceid_optout.service.operations.catalogue import BACKGROUND, OFFERED, WITHOUT_OBJECTS
from voiceid_optout.service.operations.hooks import HOOKS, hooks_model
from voiceid_optout.service.settings import EventSinks, Settings

OnReady = Callable[[Running], None]

_log = logging.getLogger("voiceid_optout.service")


HOUSEKEEPING_SECONDS = 3600
_ALONE = "alone"


async def serve(
    settings: Settings, stop: asyncio.Event, on_ready: OnReady, renew: asyncio.Event | None = None
) -> None:
    """Serve until ``stop`` is set; raises StartError if it cannot start.

    ``on_ready`` is called once, when both listeners accept connections and ``endpoint.json`` is written. Whenever
    ``renew`` is set, the certificate is read anew.
    """
    settings.check()
    tls = tls_context(settings.tls) if settings.tls else None
    data_folder.prepare(settings.data)
    with ExitStack() as stack:
        stack.enter_context(data_folder.held(settings.data))
        servers: list[Server] = []
        sockets = [stack.enter_context(bound(settings.host, settings.port))]
        if settings.admin.port is not None:
            sockets.append(stack.enter_context(bound(settings.admin.host, settings.admin.port, "--admin-")))
        async with (
            assembled(settings, lambda: sum(server.connections for server in servers)) as applications,
            listening(_listeners(settings, applications, sockets, tls)) as started,
            renewing(settings.tls, tls, renew),
        ):
            servers += started
            running = _running(settings, sockets)
            with data_folder.announced(settings.data, _endpoint(running)):
                on_ready(running)
                notify("READY=1")
                admin = {} if running.admin_url is None else {"admin_url": running.admin_url}
                _log.info("The service is ready.", extra={"url": running.url, **admin})
                await stop.wait()
            notify("STOPPING=1")
            _log.info("The service is stopping; requests in flight are answered.")
    _log.info("The service has stopped.")


def _listeners(
    settings: Settings, applications: Sequence[object], sockets: Sequence[socket.socket], tls: ssl.SSLContext | None
) -> list[Listener]:
    pairs = zip(applications, sockets, strict=True)
    return [
        Listener(application, listener, settings.connection_limits, None if place else tls)
        for place, (application, listener) in enumerate(pairs)
    ]


def _running(settings: Settings, sockets: Sequence[socket.socket]) -> Running:
    return Running(
        url=url(sockets[0], "https" if settings.tls else "http"),
        admin_url=url(sockets[1]) if len(sockets) > 1 else None,
        pid=os.getpid(),
        region=settings.tenant.region,
        credentials_file=settings.data / CREDENTIALS_NAME if settings.access.first_key else None,
    )


def _endpoint(running: Running) -> dict[str, str | int]:
    endpoint: dict[str, str | int] = {"url": running.url, "pid": running.pid, "region": running.region}
    if running.credentials_file is not None:
        endpoint["credentials"] = running.credentials_file.name
    if running.admin_url is not None:
        endpoint["admin_url"] = running.admin_url
    return endpoint


def notify(state: str) -> None:
    """Send ``state``, such as ``READY=1``, to systemd (sd_notify(3)) if it named a socket for that."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # An address that starts with @ is in Linux' abstract name space, which begins with a NUL.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)


@asynccontextmanager
async def assembled(settings: Settings, connections: Callable[[], int]) -> AsyncIterator[Sequence[Any]]:
    """Give the API, and the application of the admin port if there is one; raises StartError.

    Both work for the time of the block. ``connections`` tells how many are open.
    """
    model, metrics = load_model(), Metrics()
    objects = None if settings.objects is None else open_objects(settings.objects)
    sinks = _sinks(settings.events)
    tenant = replace(settings.tenant, sinks=settings.events.names, replay_window=settings.access.replay_window)
    offered = {**OFFERED, **({} if settings.objects is not None else WITHOUT_OBJECTS)}
    operations = {**offered, **BACKGROUND, **HOOKS, **KEYS, **READINESS, **DELIVERY}
    store = Store(settings.data, tenant, operations, database=settings.database, on_batch=metrics.batches.add)
    tasks: list[asyncio.Task[None]] = []

    def beside(work: Coroutine[Any, Any, None]) -> None:
        tasks.append(asyncio.create_task(work))

    try:
        await _ensure_domains(settings, store, model)
        keys = Keys(store, settings.data if settings.access.first_key else None, model["operations"])
        await keys.load()
        verifier = Verifier(keys.ring.keys, settings.tenant.region, settings.access.replay_window)
        run, admin = store.run, []
        if settings.admin.port is not None:
            from voiceid_optout.service.http.admin import FaultInjector, admin_app  # noqa: PLC0415  loads Starlette

            faults = FaultInjector(store.run) if settings.admin.hooks else None
            run = store.run if faults is None else faults.run
            admin = [admin_app(model, store, metrics, connections, settings.admin.host, faults)]
        gate = Gate(Quotas(settings.access.rates))
        api = VoiceIdApi(model, run, verifier, gate, metrics, access_log=settings.access_log)
        beside(_keep_house(store))
        if objects is not None:
            beside(run_jobs(store, objects, tenant.limits))
        beside(keys.follow(verifier.replace))
        # The lock of the data folder keeps others from its SQLite file, and from nothing else.
        holder = _ALONE if settings.database is None else str(uuid.uuid4())
        for sink in sinks:
            beside(Delivery(store, sink, holder).run())
        yield [api, *admin]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(store.close)


def _sinks(settings: EventSinks) -> list[Sink]:
    sinks: list[Sink] = []
    if settings.file is not None:
        if not settings.file.parent.is_dir():
            raise StartError(f"The events' file cannot be made: there is no folder {settings.file.parent}.")
        sinks.append(JsonLinesSink(settings.file))
    if settings.webhook is not None:
        settings.webhook.check()
        sinks.append(WebhookSink(settings.webhook))
    return sinks


async def _ensure_domains(settings: Settings, store: Store, model: dict[str, Any]) -> None:
    if not settings.domains:
        return
    validator = Validator(hooks_model(model))
    for domain_id, name in settings.domains:
        try:
            request = validator.request("EnsureDomain", {"DomainId": domain_id, "Name": name})
            await store.run("EnsureDomain", request)
        except ApiError as error:
            raise StartError(f"The domain '{domain_id}' cannot be made: {error.text}") from error


async def _keep_house(store: Store) -> None:
    """Erase what was deleted and expire who was not seen, every hour until cancelled."""
    while True:
        with suppress(ApiError):  # the disk may be full; the worker has logged it and the next hour tries again
            while (await store.run("EraseDeleted", {}))["Erased"]:
                pass
            while (await store.run("ExpireSpeakers", {}))["Expired"]:
                pass
        await asyncio.sleep(HOUSEKEEPING_SECONDS)
