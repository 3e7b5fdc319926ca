"""Starts the program's process, serves its calls, and says how it ended.

The program may also be run for one thing alone: to see which providers it sends, while nothing is done. A refresh
comes before the program, so what a foreign program's resources may run has to be known before it.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from google.protobuf import empty_pb2

from voiceid_optout import urn as urns
from voiceid_optout.engine.embedded import forks
from voiceid_optout.engine.embedded.monitor import FEATURES
from voiceid_optout.engine.embedded.transport import DONE, METHODS, Callee, Frame, from_struct
from voiceid_optout.engine.messages import ErrorLines
from voiceid_optout.pulumi_parts import engine_pb2, resource_pb2
from voiceid_optout.state import ProgramError, values
from voiceid_optout.state.trust import PROVIDER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from voiceid_optout.engine.embedded.forks import ForkServer
    from voiceid_optout.engine.interface import Request
    from voiceid_optout.state.project import Project, StackConfig


_PART = 10  # shards, or people, in a message to the program


@dataclass(frozen=True, slots=True)
class ProgramEnd:
    """How the program ended: no error, or its message. ``exception_text`` is for nobody to see."""

    error: str = ""
    exception_text: str = field(default="", repr=False, compare=False)


def start_message(request: Request, project: Project, config: StackConfig, *, dry_run: bool) -> dict[str, Any]:
    """Return the first message to the program."""
    return {
        "root": str(project.root),
        "project": project.name,
        "stack": request.stack,
        "config": dict(config.values),
        "secret_keys": sorted(config.secret_keys),
        "parallel": request.parallel,
        "dry_run": dry_run,
        "declared": request.declared,
    }


class ProgramHost:
    """One run of the program. The process starts at once, so that it imports while the engine prepares."""

    def __init__(
        self,
        root: Path,
        environment: Mapping[str, str],
        report: Callable[[str], None],
        server: ForkServer | None = None,
    ) -> None:
        self._done = False
        ours, theirs = socket.socketpair()
        self._connection = Connection(ours.detach())
        with theirs:
            self._process = forks.start(
                server,
                [forks.PROGRAM, str(theirs.fileno())],
                folder=root,
                variables={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
                descriptors=[theirs.fileno()],
            )
        self._readers = [
            threading.Thread(target=_forward, args=(stream, report), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    def run(self, start: Mapping[str, Any], serve: Callable[[str, Any], Any], workers: int) -> ProgramEnd:
        """Tell the program what to do and serve its calls until it ends.

        What is declared goes in parts: as one message, the texts of a million people would be there four times.
        They go pickled, because JSON takes nine times as long. Nothing that the program sends is ever unpickled.
        ``serve(method, request)`` returns the response; an exception it raises is the call's failure.
        Raises :class:`ProgramError` when the process dies without a word.
        """
        callee = Callee(self._connection)
        declared: tuple[Any, ...] | None = start["declared"]
        parts = [] if declared is None else [declared[at : at + _PART] for at in range(0, len(declared), _PART)]
        first = {**start, "declared": None if declared is None else len(parts)}
        try:
            for message in itertools.chain([first], parts):
                self._connection.send(message)
        except OSError:
            raise ProgramError(self._died()) from None
        calls: SimpleQueue[Frame | None] = SimpleQueue()
        refusals: list[str] = []
        threads = [threading.Thread(target=_serve, args=(callee, calls, serve, refusals)) for _ in range(workers)]
        for thread in threads:
            thread.start()
        try:
            while True:
                try:
                    call = callee.receive()
                except EOFError:
                    raise ProgramError(self._died()) from None
                if call.kind == DONE:
                    self._done = True
                    return _with_refusal(ProgramEnd(**json.loads(call.body)), refusals)
                calls.put(call)
        finally:
            for _ in threads:
                calls.put(None)
            for thread in threads:
                thread.join()

    def _died(self) -> str:
        status = self._process.wait()
        how = f"was ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
        return f"the program {how} before it was done"

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def stop(self) -> None:
        """End the process; one that is done gets a second to end by itself."""
        try:
            self._process.wait(timeout=1 if self._done else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(timeout=1)  # not longer: a process it left behind may hold the pipe
        self._connection.close()


def _with_refusal(end: ProgramEnd, refusals: list[str]) -> ProgramEnd:
    """Return the end with the engine's own words, if the program failed with what the engine refused."""
    ours = next((text for text in refusals if text and text in end.exception_text), None)
    return end if ours is None else ProgramEnd(ours)


def _serve(
    callee: Callee, calls: SimpleQueue[Frame | None], serve: Callable[[str, Any], Any], refusals: list[str]
) -> None:
    """Answer calls until there are no more. An executor's futures would cost more than a call."""

    def served(number: int, body: bytes) -> bytes:
        method = METHODS[number]
        try:
            response: bytes = serve(method.name, method.request.FromString(body)).SerializeToString()
        except Exception as error:
            refusals.append(str(error))
            raise
        return response

    while (call := calls.get()) is not None:
        callee.answer(call, served)


def _forward(stream: IO[bytes], report: Callable[[str], None]) -> None:
    lines = ErrorLines()
    with stream:
        for line in stream:
            text = lines.shown(line.decode(errors="replace").rstrip())
            if text:
                report(text)


def program_providers(
    request: Request, project: Project, config: StackConfig, server: ForkServer | None = None
) -> frozenset[str]:
    """Return the texts of the providers that the program sends in a preview without any state.

    A program that fails has sent what it had sent: the run itself will say what is wrong with it.
    """
    listener = _Listener(request, project)
    host = ProgramHost(request.root, request.environment, lambda _: None, server)
    start = start_message(request, project, config, dry_run=True)
    try:
        host.run(start, listener.serve, request.parallel)
    except ProgramError:
        pass
    finally:
        host.stop()
    return frozenset(listener.texts)


class _Listener:
    """Answers every call as a preview of new resources would, and keeps the providers. Thread-safe."""

    def __init__(self, request: Request, project: Project) -> None:
        self.texts: set[str] = set()
        self._request = request
        self._project = project
        self._root = ""

    def serve(self, method: str, request: Any) -> Any:
        match method:
            case "RegisterResource":
                return self._registered(request)
            case "GetDeploymentInfo":
                return resource_pb2.DeploymentInfo(
                    project=self._project.name,
                    stack=self._request.stack,
                    organization="organization",
                    dryRun=True,
                    parallel=self._request.parallel,
                    supportedFeatures=FEATURES,
                )
            case "SupportsFeature":
                return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in ("secrets", "deletedWith"))
            case "ReadResource":
                urn = self._urn(request)
                return resource_pb2.ReadResourceResponse(urn=urn, properties=request.properties)
            case "Invoke":
                return resource_pb2.ResourceInvokeResponse(unknown=True)
            case "GetRootResource":
                return engine_pb2.GetRootResourceResponse(urn=self._root)
            case "SetRootResource":
                self._root = request.urn
                return engine_pb2.SetRootResourceResponse()
        return empty_pb2.Empty()

    def _registered(self, request: Any) -> Any:
        text = values.plain_value(from_struct(request.object).get(PROVIDER_KEY))
        if isinstance(text, str) and text != values.UNKNOWN:
            self.texts.add(text)
        return resource_pb2.RegisterResourceResponse(urn=self._urn(request), object=request.object)

    def _urn(self, request: Any) -> str:
        return urns.make(self._request.stack, self._project.name, request.parent, request.type, request.name)
