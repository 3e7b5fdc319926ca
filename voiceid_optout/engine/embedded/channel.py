"""Calls between the program's process and the engine's, over one socket pair.

A frame is a call number (8 bytes), a method or status (1 byte) and a protobuf message. Any number of calls may be
under way at once. This is gRPC's job done for one peer on one machine, several times quicker
(docs/adr/0002-program-in-its-own-process.md has the figures).
"""

from __future__ import annotations

import itertools
import struct
import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2

from voiceid_optout.state.errors import OutOfScopeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_HEAD = struct.Struct("<QB")
_GONE = "the engine is gone"
OK, ERROR = 0, 1
DONE = 255  # the program has ended; the frame's body is a JSON text


@dataclass(frozen=True, slots=True)
class Method:
    """A method the program may call, with its message classes."""

    name: str
    request: Any
    response: Any


METHODS = (
    Method("GetDeploymentInfo", empty_pb2.Empty, resource_pb2.DeploymentInfo),
    Method("SupportsFeature", resource_pb2.SupportsFeatureRequest, resource_pb2.SupportsFeatureResponse),
    Method("RegisterResource", resource_pb2.RegisterResourceRequest, resource_pb2.RegisterResourceResponse),
    Method("RegisterResourceOutputs", resource_pb2.RegisterResourceOutputsRequest, empty_pb2.Empty),
    Method("SignalAndWaitForShutdown", empty_pb2.Empty, empty_pb2.Empty),
    Method("Log", engine_pb2.LogRequest, empty_pb2.Empty),
    Method("GetRootResource", engine_pb2.GetRootResourceRequest, engine_pb2.GetRootResourceResponse),
    Method("SetRootResource", engine_pb2.SetRootResourceRequest, engine_pb2.SetRootResourceResponse),
    Method("ReadResource", resource_pb2.ReadResourceRequest, resource_pb2.ReadResourceResponse),
    Method("Invoke", resource_pb2.ResourceInvokeRequest, resource_pb2.ResourceInvokeResponse),
)
_NUMBERS = {method.name: number for number, method in enumerate(METHODS)}


class RemoteError(grpc.RpcError):
    """A call that failed, in the form the SDK expects of gRPC."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self._code = code
        self._details = details

    def code(self) -> grpc.StatusCode:
        """Return the status."""
        return self._code

    def details(self) -> str:
        """Return the message."""
        return self._details


class Caller:
    """The program's side: methods of the monitor and the engine, callable from any thread."""

    def __init__(self, connection: Connection, lost: Callable[[], None]) -> None:
        """Start receiving; ``lost`` is called when the engine is gone and no call can be answered any more."""
        self._connection = connection
        self._lost = lost
        self._numbers = itertools.count()
        self._send = threading.Lock()
        self._waiting: dict[int, SimpleQueue[tuple[int, bytes]]] = {}
        threading.Thread(target=self._receive, daemon=True, name="channel").start()

    def __getattr__(self, name: str) -> Any:
        """Return the remote method; one the engine does not have answers UNIMPLEMENTED, as gRPC would."""
        if name.startswith("_"):
            raise AttributeError(name)
        number = _NUMBERS.get(name)

        def call(request: Any, *_: Any, **__: Any) -> Any:
            if number is None:
                raise RemoteError(grpc.StatusCode.UNIMPLEMENTED, str(OutOfScopeError(name)))
            return self._call(METHODS[number], number, request)

        return call

    def Log(self, request: Any, *_: Any, **__: Any) -> Any:  # noqa: N802 - the protocol's name
        """Pass a message on; those for debugging end here, where the SDK writes a dozen for each resource."""
        if request.severity == engine_pb2.DEBUG:
            return empty_pb2.Empty()
        return self._call(METHODS[_NUMBERS["Log"]], _NUMBERS["Log"], request)

    def _call(self, method: Method, number: int, request: Any) -> Any:
        call = next(self._numbers)
        answer: SimpleQueue[tuple[int, bytes]] = SimpleQueue()
        self._waiting[call] = answer
        try:
            self._write(call, number, request.SerializeToString())
        except OSError:
            del self._waiting[call]
            raise RemoteError(grpc.StatusCode.UNAVAILABLE, _GONE) from None
        status, body = answer.get()
        if status == OK:
            return method.response.FromString(body)
        raise RemoteError(grpc.StatusCode.UNKNOWN, body.decode())

    def finish(self, body: bytes) -> None:
        """Tell the engine that the program has ended."""
        self._write(next(self._numbers), DONE, body)

    def _write(self, call: int, number: int, body: bytes) -> None:
        with self._send:
            self._connection.send_bytes(_HEAD.pack(call, number) + body)

    def _receive(self) -> None:
        while True:
            try:
                frame = self._connection.recv_bytes()
            except (EOFError, OSError):
                for waiting in list(self._waiting.values()):
                    waiting.put((ERROR, _GONE.encode()))
                self._lost()
                return
            call, status = _HEAD.unpack_from(frame)
            self._waiting.pop(call).put((status, frame[_HEAD.size :]))


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the engine receives it."""

    number: int
    method: int
    body: bytes


class Callee:
    """The engine's side: hands out calls and takes answers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._send = threading.Lock()

    def receive(self) -> Call:
        """Wait for the next call; raises :class:`EOFError` when the program is gone."""
        try:
            frame = self._connection.recv_bytes()
        except OSError:
            raise EOFError from None
        number, method = _HEAD.unpack_from(frame)
        return Call(number, method, frame[_HEAD.size :])

    def answer(self, call: Call, status: int, body: bytes) -> None:
        """Answer a call; a program that is gone no longer needs it."""
        with self._send:
            try:
                self._connection.send_bytes(_HEAD.pack(call.number, status) + body)
            except OSError:
                return
