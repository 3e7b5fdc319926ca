"""Running applications on sockets until told otherwise."""

import asyncio
import math
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import uvicorn

from voiceid_optout.service.http.limits import ConnectionLimits
from voiceid_optout.service.http.protocol import LimitedProtocol

STOP_SECONDS = 5  # for requests in flight when the service is told to stop
_SWEEP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Listener:
    """An application on a bound socket; ``tls`` is None for plain HTTP."""

    application: Any
    socket: socket.socket
    limits: ConnectionLimits
    tls: ssl.SSLContext | None = None


@asynccontextmanager
async def listening(listeners: Sequence[Listener]) -> AsyncIterator[Sequence["Server"]]:
    """Serve for the time of the block, then let requests in flight end."""
    servers = [Server(_config(listener)) for listener in listeners]
    tasks = [
        asyncio.create_task(server.serve(sockets=[listener.socket]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    sweeper = asyncio.create_task(_sweep(servers))
    try:
        for server in servers:
            await server.ready.wait()
        yield servers
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)
        sweeper.cancel()


class Server(uvicorn.Server):
    """Uvicorn's server, told to start and stop by the caller."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self.server_state.connections)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller: two servers share this process."""
        yield


async def _sweep(servers: Sequence[Server]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        for server in servers:
            for connection in list(server.server_state.connections):
                if isinstance(connection, LimitedProtocol):
                    connection.sweep(loop.time())


def _config(listener: Listener) -> uvicorn.Config:
    config = uvicorn.Config(
        listener.application,
        interface="asgi3",
        lifespan="off",
        ws="none",
        http=cast("type[asyncio.Protocol]", partial(LimitedProtocol, limits=listener.limits)),
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=math.ceil(listener.limits.idle_seconds),
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    config.load()
    config.ssl = listener.tls  # made by us, so that new certificates reach it
    return config
