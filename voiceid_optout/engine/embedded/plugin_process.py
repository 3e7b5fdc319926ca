"""The plugin's process: ``python -m pulumi.dynamic``, as the CLI starts it, with our lines in the place of gRPC.

The plugin itself never notices that its engine is gone. Its standard input is a pipe that nobody writes to, so the
end of it means that the engine has ended, however it did.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import grpc

from voiceid_optout.engine.embedded import plugin_lines
from voiceid_optout.engine.embedded.plugin_lines import CALLS, METHODS, SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable


def main() -> None:
    """Run the plugin until it is told to end or the engine is gone.

    The arguments are the lines' descriptors, and ``CALLS`` before them where the service will be called.
    """
    threading.Thread(target=_end_with_the_engine, name="lifeline", daemon=True).start()
    calls = CALLS in sys.argv
    lines = [Connection(int(descriptor)) for descriptor in sys.argv[1 + calls :]]
    # The one call of the plugin that we answer ourselves.
    vars(grpc)["server"] = lambda *_, **__: Server(lines, meanwhile=_load_client if calls else None)
    sys.argv = ["pulumi.dynamic"]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)


@dataclass(frozen=True, slots=True)
class _Details:
    method: str


class Server:
    """What the plugin takes for a gRPC server: its methods are served on the lines."""

    def __init__(self, lines: list[Connection], meanwhile: Callable[[], None] | None = None) -> None:
        """Make it; ``meanwhile`` is done beside the first calls."""
        self._lines = lines
        self._meanwhile = meanwhile
        self._handlers: list[Any] = []

    def add_generic_rpc_handlers(self, generic: tuple[Any, ...]) -> None:
        """Take the plugin's methods."""
        (service,) = generic
        self._handlers = [service.service(_Details(f"/{SERVICE}/{method.name}")) for method in METHODS]

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Take the same methods in gRPC's newer form; one form is enough."""

    def add_insecure_port(self, address: str) -> int:
        """Return a port, which the plugin prints to say that it is ready."""
        del address
        return 1

    def start(self) -> None:
        """Serve."""
        for line in self._lines:
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()
        if self._meanwhile is not None:
            threading.Thread(target=self._meanwhile, daemon=True).start()

    def stop(self, grace: float | None) -> None:
        """Nothing to do: the process ends."""

    def _serve(self, line: Connection) -> None:
        while True:
            try:
                line.send_bytes(plugin_lines.answer(self._handlers, line.recv_bytes()))
            except (EOFError, OSError):
                return


def _load_client() -> None:
    """Import what calls the service, before the first step that does waits for it."""
    import_module("voiceid_optout.voiceid.client")


def _end_with_the_engine() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
