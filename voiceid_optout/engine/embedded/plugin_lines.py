"""How the engine and the plugin's process speak: a few socket pairs, one call at a time on each.

A gRPC call costs both sides more than the work of an unchanged resource. The messages are Pulumi's own; a frame is
one byte (the method's number, or whether the call went well) and the message, or the error's text.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as pb

if TYPE_CHECKING:
    import grpc

SERVICE = "pulumirpc.ResourceProvider"
# As many as the plugin has threads when the CLI calls it.
COUNT = 4
OK, FAILED = b"\0", b"\1"
CALLS = "calls"  # the word that tells a plugin's process that the service will be called


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the plugin and the class of its answer."""

    name: str
    response: Any


METHODS = (
    Method("Configure", pb.ConfigureResponse),
    Method("Check", pb.CheckResponse),
    Method("Diff", pb.DiffResponse),
    Method("Create", pb.CreateResponse),
    Method("Update", pb.UpdateResponse),
    Method("Read", pb.ReadResponse),
    Method("Delete", empty_pb2.Empty),
)
_FRAMES = {method.name: (bytes([number]), method.response) for number, method in enumerate(METHODS)}


class CallFailedError(Exception):
    """The method raised; the message is what the plugin says of it."""


class Lines:
    """The engine's side. Calls from more threads than there are lines wait for one."""

    def __init__(self) -> None:
        self._free: SimpleQueue[Connection] = SimpleQueue()
        self._ours: list[Connection] = []
        self.theirs: list[socket.socket] = []
        for _ in range(COUNT):
            ours, theirs = socket.socketpair()
            self._ours.append(Connection(ours.detach()))
            self.theirs.append(theirs)
            self._free.put(self._ours[-1])

    def hand_over(self) -> None:
        """Close the plugin's ends here, once its process has them: its end is then the end of the lines."""
        for end in self.theirs:
            end.close()

    def call(self, method: str, request: Any) -> Any:
        """Call a method and wait for its answer.

        Raises :class:`CallFailedError` when it raised, and :class:`OSError` or :class:`EOFError` when the plugin is
        gone.
        """
        number, response = _FRAMES[method]
        line = self._free.get()
        try:
            line.send_bytes(number + request.SerializeToString())
            frame = line.recv_bytes()
        finally:
            self._free.put(line)
        if frame[:1] != OK:
            raise CallFailedError(frame[1:].decode(errors="replace"))
        return response.FromString(memoryview(frame)[1:])

    def close(self) -> None:
        """Close all lines; nobody may be in a call."""
        for line in self._ours:
            line.close()


class _AbortError(Exception):
    pass


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


def answer(handlers: list[Any], frame: bytes) -> bytes:
    """Serve one call in the plugin's process: ``handlers`` as gRPC's generated code has them, one a method."""
    handler = handlers[frame[0]]
    try:
        request = handler.request_deserializer(frame[1:])
        response: bytes = handler.response_serializer(handler.unary_unary(request, Context()))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this call's failure
        return FAILED + str(error).encode()
    return OK + response
