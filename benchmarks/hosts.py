"""Ways to connect a program to the embedded engine that were tried and not taken, for comparison."""

from __future__ import annotations

import asyncio
import os
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime import Settings, configure
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc
from pulumi.runtime.stack import run_in_stack

from voiceid_optout.engine.embedded.host import ProgramEnd, ProgramHost
from voiceid_optout.engine.embedded.transport import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

WAYS = ("channel", "grpc", "in-process")
_CHILD = """
import asyncio, runpy, sys
from concurrent.futures import ThreadPoolExecutor
from pulumi.runtime import Settings, configure
from pulumi.runtime.stack import run_in_stack
address, parallel = sys.argv[1], int(sys.argv[2])
sys.path.insert(0, ".")
configure(Settings(project="toys", stack="dev", organization="organization", root_directory=".",
                   monitor=address, engine=address, parallel=parallel, dry_run=True))
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.set_default_executor(ThreadPoolExecutor(parallel * 4))
loop.run_until_complete(run_in_stack(lambda: runpy.run_path("__main__.py", run_name="__main__")))
"""


class _Answers:
    """A servicer, or a monitor in the same process, that hands each call to the engine."""

    def __init__(self, serve: Callable[[str, Any], Any]) -> None:
        for method in METHODS:
            name = method.name
            setattr(self, name, lambda request, _context=None, _name=name: serve(_name, request))


class GrpcHost:
    """The program in a process of its own, connected over gRPC."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def run(self, start: Mapping[str, Any], serve: Callable[[str, Any], Any], workers: int) -> ProgramEnd:
        """Serve gRPC until the program's process ends."""
        server = grpc.server(ThreadPoolExecutor(workers))
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(
            _grpc_servicer(resource_pb2_grpc.ResourceMonitorServicer, serve), server
        )
        engine_pb2_grpc.add_EngineServicer_to_server(_grpc_servicer(engine_pb2_grpc.EngineServicer, serve), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        command = [sys.executable, "-c", _CHILD, f"127.0.0.1:{port}", str(start["parallel"])]
        answer = subprocess.run(command, cwd=self._root, capture_output=True, text=True, check=False)
        server.stop(None)
        return ProgramEnd(error=answer.stderr if answer.returncode else "")

    def stop(self) -> None:
        """Do nothing: the process has ended with the run."""


def _grpc_servicer(base: type, serve: Callable[[str, Any], Any]) -> Any:
    methods = {
        method.name: (lambda _self, request, _context, _name=method.name: serve(_name, request))
        for method in METHODS
        if hasattr(base, method.name)
    }
    return type("Servicer", (base,), methods)()


class InProcessHost:
    """The program in the engine's own process."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def run(self, start: Mapping[str, Any], serve: Callable[[str, Any], Any], workers: int) -> ProgramEnd:  # noqa: ARG002
        """Run the program here; its calls are plain function calls."""
        os.chdir(self._root)
        sys.path.insert(0, str(self._root))
        answers = _Answers(serve)
        configure(
            Settings(
                project="toys",
                stack="dev",
                organization="organization",
                root_directory=str(self._root),
                monitor=answers,
                engine=answers,
                parallel=start["parallel"],
                dry_run=start["dry_run"],
            )
        )
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        loop.set_default_executor(ThreadPoolExecutor(start["parallel"] * 4))
        loop.run_until_complete(run_in_stack(_program))
        return ProgramEnd()

    def stop(self) -> None:
        """Do nothing: there is no process."""


def _program() -> None:
    runpy.run_path("__main__.py", run_name="__main__")


def host_of(way: str, root: Path) -> Any:
    """Return the host for one of :data:`WAYS`."""
    if way == "channel":
        return ProgramHost(root, {}, print)
    return GrpcHost(root) if way == "grpc" else InProcessHost(root)
