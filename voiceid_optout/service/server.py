"""The service from start to end: lock, listeners, and an orderly end."""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress

from voiceid_optout.service import folder, notify
from voiceid_optout.service.assembly import assembled
from voiceid_optout.service.auth.credentials_file import FILE_NAME as CREDENTIALS_NAME
from voiceid_optout.service.errors import StartError
from voiceid_optout.service.http.servers import Listener, listening
from voiceid_optout.service.http.sockets import bound, is_loopback, url
from voiceid_optout.service.http.tls import TlsFiles
from voiceid_optout.service.running import Running
from voiceid_optout.service.settings import Settings

OnReady = Callable[[Running], None]

_log = logging.getLogger("voiceid_optout.service")


async def serve(
    settings: Settings, stop: asyncio.Event, on_ready: OnReady, renew: asyncio.Event | None = None
) -> None:
    """Serve until ``stop`` is set; raises StartError if it cannot start.

    ``on_ready`` is called once, when both listeners accept connections and ``endpoint.json`` is written. Whenever
    ``renew`` is set, the certificate is read anew.
    """
    _check(settings)
    tls = settings.tls.context() if settings.tls else None
    folder.prepare(settings.data)
    with ExitStack() as stack:
        stack.enter_context(folder.held(settings.data))
        sockets = [stack.enter_context(bound(settings.host, settings.port))]
        if settings.admin.port is not None:
            sockets.append(stack.enter_context(bound(settings.admin.host, settings.admin.port, "--admin-")))
        async with (
            assembled(settings) as parts,
            listening(_listeners(settings, parts.applications, sockets, tls)) as servers,
            _renewing(settings.tls, tls, renew),
        ):
            parts.live.servers = servers
            running = _running(settings, sockets)
            with folder.announced(settings.data, _endpoint(running)):
                on_ready(running)
                notify.notify("READY=1")
                admin = {} if running.admin_url is None else {"admin_url": running.admin_url}
                _log.info("The service is ready.", extra={"url": running.url, **admin})
                await stop.wait()
            notify.notify("STOPPING=1")
            _log.info("The service is stopping; requests in flight are answered.")
    _log.info("The service has stopped.")


def _check(settings: Settings) -> None:
    if not (is_loopback(settings.host) or settings.tls or settings.plain_http):
        raise StartError(
            f"{settings.host} can be reached from other machines, and the protocol is plain HTTP: signatures keep "
            "requests from being changed, not from being read. Give --tls-certificate and --tls-key, or allow it "
            "with --insecure-plain-http where something else in front does TLS."
        )
    if settings.admin.hooks and not is_loopback(settings.admin.host):
        raise StartError(
            "Test hooks change people's data without a signature: they are for a loopback address only."
        )


def _listeners(
    settings: Settings, applications: Sequence[object], sockets: Sequence[socket.socket], tls: ssl.SSLContext | None
) -> list[Listener]:
    pairs = zip(applications, sockets, strict=True)
    return [
        Listener(application, listener, settings.connection_limits, None if place else tls)
        for place, (application, listener) in enumerate(pairs)
    ]


@asynccontextmanager
async def _renewing(
    files: TlsFiles | None, context: ssl.SSLContext | None, renew: asyncio.Event | None
) -> AsyncIterator[None]:
    async def follow(files: TlsFiles, context: ssl.SSLContext, renew: asyncio.Event) -> None:
        while True:
            await renew.wait()
            renew.clear()
            try:
                files.load_into(context)
            except StartError as error:
                _log.error("The certificate of before stays in use: %s", error)
            else:
                _log.info("The certificate was read anew; new connections use it.")

    if files is None or context is None or renew is None:
        yield
        return
    task = asyncio.create_task(follow(files, context, renew))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


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
