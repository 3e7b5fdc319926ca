"""The plugin's process: ``python -m pulumi.dynamic``, as the CLI starts it, with our transport instead of gRPC.

The plugin itself never notices that its engine is gone. Its standard input is a pipe that nobody writes to, so the
end of it means that the engine has ended, however it did.
"""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from voiceid_optout.engine.embedded.forks import CLIENT, LOAD_CLIENT
from voiceid_optout.engine.embedded.transport import PLUGIN_METHODS, answer, receive, send
from voiceid_optout.pulumi_internals import run_plugin

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

_SERVICE = "pulumirpc.ResourceProvider"


def main() -> None:
    """Run the plugin until it is told to end or the engine is gone.

    The arguments are the connections' descriptors, with ``LOAD_CLIENT`` before them where the service will be
    called.
    """
    threading.Thread(target=_end_with_the_engine, name="watchdog", daemon=True).start()
    loads = LOAD_CLIENT in sys.argv
    connections = [Connection(int(descriptor)) for descriptor in sys.argv[1 + loads :]]
    # The one call of the plugin that we answer ourselves.
    run_plugin(lambda *_, **__: Server(connections, meanwhile=_load_client if loads else None))


@dataclass(frozen=True, slots=True)
class _Details:
    method: str


class Server:
    """What the plugin takes for a gRPC server: its methods are served on the connections."""

    def __init__(self, connections: list[Connection], meanwhile: Callable[[], None] | None = None) -> None:
        """Make it; ``meanwhile`` is done beside the first calls."""
        self._connections = connections
        self._meanwhile = meanwhile
        self._handlers: list[Any] = []

    def add_generic_rpc_handlers(self, generic: tuple[Any, ...]) -> None:
        """Take the plugin's methods."""
        (service,) = generic
        self._handlers = [service.service(_Details(f"/{_SERVICE}/{method.name}")) for method in PLUGIN_METHODS]

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Take the same methods in gRPC's newer form; one form is enough."""

    def add_insecure_port(self, address: str) -> int:
        """Return a port, which the plugin prints to say that it is ready."""
        del address
        return 1

    def start(self) -> None:
        """Serve."""
        for connection in self._connections:
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        if self._meanwhile is not None:
            threading.Thread(target=self._meanwhile, daemon=True).start()

    def stop(self, grace: float | None) -> None:
        """Nothing to do: the process ends."""

    def _serve(self, connection: Connection) -> None:
        while True:
            try:
                send(connection, answer(receive(connection), self._call))
            except (EOFError, OSError):
                return

    def _call(self, number: int, body: bytes) -> bytes:
        handler = self._handlers[number]
        response = handler.unary_unary(handler.request_deserializer(body), Context())
        serialized: bytes = handler.response_serializer(response)
        return serialized


class Context:
    """What a method of the plugin may do beside returning an answer."""

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        """End the call with an error; of which kind matters to nobody here."""
        del code
        raise _AbortError(details)

    def set_code(self, code: grpc.StatusCode) -> None:
        """Take a status; the engine asks only whether there was an error."""

    def set_details(self, details: str) -> None:
        """Take an error's text; the exception that follows has it too."""


class _AbortError(Exception):
    pass


def _load_client() -> None:
    """Import what calls the service, before the first step that does waits for it."""
    import_module(CLIENT)


def _end_with_the_engine() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
