"""The service's parts, put together: store, keys, applications, and what runs beside them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from voiceid_optout.model import load_model
from voiceid_optout.service.auth.gate import Gate
from voiceid_optout.service.auth.keys import KEYS, Keys
from voiceid_optout.service.auth.quotas import Quotas
from voiceid_optout.service.auth.sigv4 import Verifier
from voiceid_optout.service.background import keep_house, run_jobs
from voiceid_optout.service.db.readiness import READINESS
from voiceid_optout.service.db.store import Store
from voiceid_optout.service.errors import ApiError, StartError
from voiceid_optout.service.events.delivery import Delivery
from voiceid_optout.service.events.json_lines import JsonLinesSink
from voiceid_optout.service.events.sinks import EventSinks, Sink
from voiceid_optout.service.events.waiting import DELIVERY
from voiceid_optout.service.events.webhook import WebhookSink
from voiceid_optout.service.http.app import VoiceIdApi
from voiceid_optout.service.http.metrics import Metrics
from voiceid_optout.service.http.ordered_faults import Faults
from voiceid_optout.service.http.servers import Server
from voiceid_optout.service.http.validation import Validator
from voiceid_optout.service.jobs.objects import open_store
from voiceid_optout.service.operations.catalogue import BACKGROUND, OFFERED, WITHOUT_OBJECTS, Operation
from voiceid_optout.service.operations.hooks import ADMIN, admin_model
from voiceid_optout.service.settings import Settings

_ALONE = "alone"


@dataclass(slots=True)
class Live:
    """What metrics read when asked; ``servers`` is filled once they listen."""

    store: Store
    servers: Sequence[Server] = ()

    @property
    def commits(self) -> int:
        return self.store.commits

    @property
    def connections(self) -> int:
        return sum(server.connections for server in self.servers)


@dataclass(frozen=True, slots=True)
class Parts:
    """``applications`` are the API and, if there is one, that of the admin port."""

    live: Live
    applications: Sequence[Any] = field(repr=False)


@asynccontextmanager
async def assembled(settings: Settings) -> AsyncIterator[Parts]:
    """Give the parts for the time of the block; raises StartError."""
    model, metrics, faults = load_model(), Metrics(), Faults()
    objects = None if settings.objects is None else open_store(settings.objects)
    sinks = _sinks(settings.events)
    tenant = replace(settings.tenant, sinks=settings.events.names, replay_window=settings.access.replay_window)
    store = Store(
        settings.data,
        tenant,
        _operations(settings),
        database=settings.database,
        batches=metrics.batches,
    )
    tasks: list[asyncio.Task[None]] = []

    def beside(work: Coroutine[Any, Any, None]) -> None:
        tasks.append(asyncio.create_task(work))

    try:
        await _ensure_domains(settings, store, model)
        keys = Keys(store, settings.data if settings.access.first_key else None, model["operations"])
        await keys.load()
        verifier = Verifier(keys.ring.keys, settings.tenant.region, settings.access.replay_window)
        live = Live(store)
        api = VoiceIdApi(
            model,
            store,
            verifier,
            Gate(Quotas(settings.access.rates)),
            metrics,
            faults,
            access_log=settings.access_log,
        )
        applications: list[Any] = [api]
        if settings.admin.port is not None:
            from voiceid_optout.service.http.admin import admin_app  # noqa: PLC0415  Starlette is only loaded for these

            applications.append(admin_app(model, store, metrics, live, settings.admin, faults))
        beside(keep_house(store))
        if objects is not None:
            beside(run_jobs(store, objects, tenant.limits))
        beside(keys.follow(verifier))
        # The lock of the data folder keeps others from its SQLite file, and from nothing else.
        holder = _ALONE if settings.database is None else str(uuid.uuid4())
        for sink in sinks:
            beside(Delivery(store, sink, holder).run())
        yield Parts(live, applications)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(store.close)


def _operations(settings: Settings) -> Mapping[str, Operation]:
    offered = OFFERED if settings.objects is not None else {**OFFERED, **WITHOUT_OBJECTS}
    return {**offered, **BACKGROUND, **ADMIN, **KEYS, **READINESS, **DELIVERY}


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
    validator = Validator(admin_model(model))
    for domain_id, name in settings.domains:
        try:
            request = validator.request("EnsureDomain", {"DomainId": domain_id, "Name": name})
            await store.run("EnsureDomain", request)
        except ApiError as error:
            raise StartError(f"The domain '{domain_id}' cannot be made: {error.text}") from error
