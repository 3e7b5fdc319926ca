"""Servers on listening sockets, and TLS by certificate files, which may be renewed meanwhile."""

import asyncio
import errno
import logging
import math
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import uvicorn

from voiceid_optout.service.errors import StartError
from voiceid_optout.service.http.protocol import LimitedProtocol
from voiceid_optout.service.settings import ConnectionLimits, SecretError, TlsFiles, read_private

LOOPBACK = "127.0.0.1"


_BACKLOG = 2048  # as uvicorn has it
_PORT_FAULTS = (errno.EADDRINUSE, errno.EACCES)


_log = logging.getLogger("voiceid_optout.service")
STOP_SECONDS = 5  # for requests in flight when the service is told to stop
_SWEEP_SECONDS = 1.0


@contextmanager
def bound(host: str, port: int, prefix: str = "--") -> Iterator[socket.socket]:
    """Give a socket that listens at the address; ``port`` 0 takes any free one. Raises StartError.

    ``prefix`` and the words ``host`` and ``port`` are the options that chose it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, each event loop sends small answers at once, and not when the one before has arrived.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            # Now, because two may be bound to one address as long as neither of them listens.
            listener.listen(_BACKLOG)
        except OSError as error:
            advice = f"{prefix}port, or 0 for any free one" if error.errno in _PORT_FAULTS else f"{prefix}host"
            raise StartError(
                f"Cannot listen on {host} port {port}: {error.strerror or error}. Choose another with {advice}."
            ) from error
        yield listener


def url(listener: socket.socket, scheme: str = "http") -> str:
    """Return the address under which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  not a bind: a wildcard is no address to call
        host = LOOPBACK
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Return a context for a server: TLS 1.2 or newer. Raises StartError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(files, context)
    return context


@asynccontextmanager
async def renewing(
    files: TlsFiles | None, context: ssl.SSLContext | None, renew: asyncio.Event | None
) -> AsyncIterator[None]:
    """Read the files anew whenever ``renew`` is set, for the time of the block; new connections use them then."""

    async def follow(files: TlsFiles, context: ssl.SSLContext, renew: asyncio.Event) -> None:
        while True:
            await renew.wait()
            renew.clear()
            try:
                _load(files, context)
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


def _load(files: TlsFiles, context: ssl.SSLContext) -> None:
    """Give the files to a context; raises StartError and changes nothing."""
    try:
        read_private(files.key)
    except SecretError as error:
        raise StartError(f"The TLS key cannot be used: {error}") from error
    try:
        # A pair that does not fit must not reach the context in use by halves.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.certificate, files.key, _no_passphrase)
        context.load_cert_chain(files.certificate, files.key, _no_passphrase)
    except ssl.SSLError as error:
        raise StartError(
            f"{files.certificate} and {files.key} are not a certificate and its key in PEM form: "
            f"{error.reason or 'unreadable'}."
        ) from error
    except OSError as error:
        raise StartError(f"{files.certificate} cannot be read: {error.strerror}.") from error


def _no_passphrase() -> str:
    # Without this, OpenSSL would ask the terminal and the service would hang.
    raise StartError("The TLS key is encrypted; give one without a passphrase, readable by the service alone.")


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
