"""How the program is connected to the embedded engine: three ways, side by side.

``python -m benchmarks.connections [RESOURCES] [ROUNDS]`` registers the same resources over (1) the channel the
engine uses, a socket pair to a process of its own, (2) gRPC on loopback to a process of its own, as the Pulumi CLI
does it, (3) calls within one process. Each round runs all three in turn; printed are the medians in seconds for an
unchanged preview, and the ratios to the first.
"""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from pulumi.runtime import Settings, configure
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc
from pulumi.runtime.stack import run_in_stack

from voiceid_optout.engine.embedded.engine import Execution
from voiceid_optout.engine.embedded.host import ProgramEnd, ProgramHost
from voiceid_optout.engine.embedded.plugin import Plugins
from voiceid_optout.engine.embedded.run import Emitter
from voiceid_optout.engine.embedded.transport import METHODS
from voiceid_optout.engine.interface import Operation, Request, Result
from voiceid_optout.state.backend import Backend
from voiceid_optout.state.project import load_project
from voiceid_optout.state.stack import open_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
PROGRAM = """
import asyncio, os
import pulumi
from toy_provider import Toy

async def main():
    count = int(os.environ["TOY_COUNT"])
    for start in range(0, count, 100):
        batch = [Toy(f"toy-{number}") for number in range(start, min(start + 100, count))]
        await asyncio.gather(*(toy.urn.future() for toy in batch))

pulumi.run(main)
"""
PROVIDER = """
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider

class ToyProvider(ResourceProvider):
    serialize_as_secret_always = False
    def create(self, props):
        return CreateResult("id", dict(props))
    def diff(self, id_, olds, news):
        return DiffResult(changes=olds["value"] != news["value"])

class Toy(pulumi.CustomResource):
    def __init__(self, name):
        super().__init__("pulumi-python:dynamic/toy:Toy", name, {"value": name, "__provider": TEXT})

TEXT = serialize_provider(ToyProvider())
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


def make_project(root: Path) -> None:
    """Write a project with one resource type that does nothing."""
    (root / "Pulumi.yaml").write_text("name: toys\nruntime: python\n")
    (root / "Pulumi.dev.yaml").write_text("config: {}\n")
    (root / "__main__.py").write_text(PROGRAM)
    (root / "toy_provider.py").write_text(PROVIDER)


def run_once(root: Path, operation: Operation, way: str) -> float:
    """Run an operation with the program connected one way; returns the seconds it took."""
    started = time.perf_counter()
    emitter = Emitter(lambda _: None)
    request = Request(root=root, stack="dev", backend=root / "state", refresh=False)
    project = load_project(root)
    backend = Backend(request.backend, project.name, request.stack)
    host = host_of(way, root)
    try:
        writable = operation is Operation.UP
        # The provider in the state is the one above.
        stack = open_stack(project, backend, os.environ, print, writable=writable, trust_state=True)
        plugins = Plugins(request, project.name, print)
        outcome = Execution(operation, request, stack, emitter, plugins, host).run()
        plugins.close()
    finally:
        host.stop()
    if outcome.result is not Result.SUCCEEDED:
        raise SystemExit(f"{way}: {outcome.errors}")
    return time.perf_counter() - started


def measure(root: Path, way: str) -> float:
    """Run one unchanged preview in a fresh process: the SDK keeps its state in globals."""
    command = [sys.executable, "-m", "benchmarks.connections", "--once", str(root), way]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(answer.stdout.splitlines()[-1]))


def main(resources: int, rounds: int) -> None:
    """Print the medians and ratios."""
    os.environ.update(PULUMI_CONFIG_PASSPHRASE="benchmark", TOY_COUNT=str(resources))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        make_project(root)
        run_once(root, Operation.UP, WAYS[0])
        times: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way in WAYS:
                times[way].append(measure(root, way))
    first = statistics.median(times[WAYS[0]])
    print(f"{resources} resources, unchanged preview, median of {rounds} rounds")
    for way in WAYS:
        median = statistics.median(times[way])
        print(f"{way:<12} {median:6.2f} s  {median / first:5.2f} x  {median / resources * 1000:6.2f} ms a resource")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--once"]:
        print(json.dumps(run_once(Path(sys.argv[2]), Operation.PREVIEW, sys.argv[3])))
    else:
        main(*(int(value) for value in [*sys.argv[1:], "1000", "3"][:2]))
