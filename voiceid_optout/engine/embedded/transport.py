"""Calls between the engine's process and the two that it starts, over socket pairs, and the values that they carry.

A frame is a call's number (8 bytes), a method or a status (1 byte), and a protobuf message or an error's text. The
program calls the engine over one connection, with any number of calls under way at once. The engine calls the
plugin over a pool of connections, with one call at a time on each: no thread of its own has to wait for answers.
This is gRPC's job done for one peer on one machine, several times quicker. The figures are in
docs/adr/0002-program-in-its-own-process.md and docs/adr/0004-plugin-on-lines.md.

Property values travel as protobuf Structs, in which the SDK and the provider plugin mark secrets and the like.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf import empty_pb2, struct_pb2

from voiceid_optout import urn as urns
from voiceid_optout.pulumi_parts import callback_pb2, engine_pb2, provider_pb2, resource_pb2
from voiceid_optout.state import OutOfScope, OutOfScopeError, values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voiceid_optout.state.values import PropertyMap

    _Marked = Callable[[str, Mapping[str, struct_pb2.Value]], None]


_Message = TypeVar("_Message")
_HEAD = struct.Struct("<QB")
POOL_SIZE = 4  # as many as the plugin has threads when the CLI calls it
OK, ERROR = 0, 1
DONE = 255  # the program has ended; the frame's body is a JSON text


@dataclass(frozen=True, slots=True)
class Method:
    """A method that may be called, with its message classes."""

    name: str
    request: Any
    response: Any


# What the program may call.
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
    Method("Call", resource_pb2.ResourceCallRequest, provider_pb2.CallResponse),
    Method("RegisterStackTransform", callback_pb2.Callback, empty_pb2.Empty),
    Method("RegisterStackInvokeTransform", callback_pb2.Callback, empty_pb2.Empty),
    Method("RegisterResourceHook", resource_pb2.RegisterResourceHookRequest, empty_pb2.Empty),
    Method("RegisterErrorHook", resource_pb2.RegisterErrorHookRequest, empty_pb2.Empty),
    Method("RegisterPackage", resource_pb2.RegisterPackageRequest, resource_pb2.RegisterPackageResponse),
)
# What the engine calls of the plugin.
PLUGIN_METHODS = (
    Method("Configure", provider_pb2.ConfigureRequest, provider_pb2.ConfigureResponse),
    Method("Check", provider_pb2.CheckRequest, provider_pb2.CheckResponse),
    Method("Diff", provider_pb2.DiffRequest, provider_pb2.DiffResponse),
    Method("Create", provider_pb2.CreateRequest, provider_pb2.CreateResponse),
    Method("Update", provider_pb2.UpdateRequest, provider_pb2.UpdateResponse),
    Method("Read", provider_pb2.ReadRequest, provider_pb2.ReadResponse),
    Method("Delete", provider_pb2.DeleteRequest, empty_pb2.Empty),
)
_PLUGIN_NUMBERS = {method.name: number for number, method in enumerate(PLUGIN_METHODS)}


@dataclass(frozen=True, slots=True)
class Frame:
    """A call, or its answer: both have the call's number. ``kind`` is the method's number, or the status."""

    number: int
    kind: int
    body: bytes


def send(connection: Connection, frame: Frame) -> None:
    """Send a frame; raises :class:`OSError` when the other side is gone."""
    connection.send_bytes(_HEAD.pack(frame.number, frame.kind) + frame.body)


def receive(connection: Connection) -> Frame:
    """Wait for a frame; raises :class:`EOFError` when the other side is gone."""
    try:
        data = connection.recv_bytes()
    except OSError:
        raise EOFError from None
    number, kind = _HEAD.unpack_from(data)
    return Frame(number, kind, data[_HEAD.size :])


def answer(call: Frame, serve: Callable[[int, bytes], bytes]) -> Frame:
    """Serve a call; whatever ``serve`` raises is the failure of this call."""
    try:
        return Frame(call.number, OK, serve(call.kind, call.body))
    except Exception as error:  # noqa: BLE001 - the caller fails with it
        return Frame(call.number, ERROR, str(error).encode())


class CallFailed(Exception):  # noqa: N818 - a failure that is the other side's answer
    """A method of the plugin has raised; the text is what it says."""


class Callee:
    """The engine's side of the program's calls: hands them out and takes answers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._send = threading.Lock()

    def receive(self) -> Frame:
        """Wait for the next call; raises :class:`EOFError` when the program is gone."""
        return receive(self._connection)

    def answer(self, call: Frame, serve: Callable[[int, bytes], bytes]) -> None:
        """Serve a call and answer it; a program that is gone no longer needs the answer."""
        frame = answer(call, serve)
        with self._send, suppress(OSError):
            send(self._connection, frame)


class ConnectionPool:
    """The engine's side of the calls to the plugin. More threads than there are connections wait for one."""

    def __init__(self) -> None:
        self._free: SimpleQueue[Connection] = SimpleQueue()
        self._ours: list[Connection] = []
        self.theirs: list[socket.socket] = []
        for _ in range(POOL_SIZE):
            ours, theirs = socket.socketpair()
            self._ours.append(Connection(ours.detach()))
            self.theirs.append(theirs)
            self._free.put(self._ours[-1])

    def close_theirs(self) -> None:
        """Close the plugin's ends here, once its process has them: its end is then the end of the connections."""
        for end in self.theirs:
            end.close()

    def call(self, method: str, request: Any) -> Any:
        """Call a method and wait for its answer.

        Raises :class:`CallFailed` when the method raised, :class:`OSError` or :class:`EOFError` when the plugin is
        gone.
        """
        number = _PLUGIN_NUMBERS[method]
        connection = self._free.get()
        try:
            send(connection, Frame(0, number, request.SerializeToString()))
            frame = receive(connection)
        finally:
            self._free.put(connection)
        if frame.kind != OK:
            raise CallFailed(frame.body.decode(errors="replace"))
        return PLUGIN_METHODS[number].response.FromString(frame.body)

    def close(self) -> None:
        """Close all connections; nobody may be in a call."""
        for connection in self._ours:
            connection.close()


def from_struct(struct: struct_pb2.Struct) -> PropertyMap:
    """Read what the plugin answers; members that are null at the top are dropped, as the official engine does."""
    return _from_struct(struct, _kept)


def from_program(struct: struct_pb2.Struct) -> PropertyMap:
    """Read what the program sends, in the same way; raises :class:`OutOfScopeError` for what only the CLI keeps."""
    return _from_struct(struct, _refused)


def _kept(_: str, __: Mapping[str, struct_pb2.Value]) -> None:
    """Take a value of any kind as it is: what a provider has done must not be lost."""


def _refused(signature: str, fields: Mapping[str, struct_pb2.Value]) -> None:
    if signature == values.RESOURCE_SIGNATURE:
        # The CLI keeps it as a reference; as an id or a URN it would differ at each change of engine.
        raise OutOfScopeError(OutOfScope.RESOURCE_VALUE, urns.name(fields["urn"].string_value))
    if signature in (values.ASSET_SIGNATURE, values.ARCHIVE_SIGNATURE):
        raise OutOfScopeError(OutOfScope.ASSET_VALUE)
    raise OutOfScopeError(OutOfScope.OTHER_VALUE, signature)


def _from_struct(struct: struct_pb2.Struct, marked: _Marked) -> PropertyMap:
    return {
        key: _from_value(value, marked)
        for key, value in struct.fields.items()
        if value.WhichOneof("kind") not in ("null_value", None)
    }


def _from_value(value: struct_pb2.Value, marked: _Marked) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            return values.normal_number(value.number_value)
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_value(item, marked) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if values.SIGNATURE_KEY in fields:
                signature = fields[values.SIGNATURE_KEY].string_value
                if signature == values.SECRET_SIGNATURE:
                    return values.Secret(_from_value(fields["value"], marked))
                marked(signature, fields)
            return {key: _from_value(item, marked) for key, item in fields.items()}
        case _:
            return None


def filled(message: _Message, *, keep_secrets: bool = False, **properties: Mapping[str, Any]) -> _Message:
    """Write properties into the Structs that a message has by these names, and return it.

    Secrets go as plain values unless the receiver takes them marked. A Struct that is made first and then given to
    a message would be copied, by writing and reading it once more.
    """
    for name, given in properties.items():
        struct: struct_pb2.Struct = getattr(message, name)
        struct.SetInParent()
        for key, value in given.items():
            _fill(struct.fields[key], value, keep_secrets)
    return message


def _fill(target: struct_pb2.Value, value: Any, keep_secrets: bool) -> None:  # noqa: FBT001
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, values.Secret):
        if keep_secrets:
            target.struct_value.fields[values.SIGNATURE_KEY].string_value = values.SECRET_SIGNATURE
            _fill(target.struct_value.fields["value"], value.value, keep_secrets)
        else:
            _fill(target, value.value, keep_secrets)
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item, keep_secrets)
    else:
        target.struct_value.SetInParent()
        for key, item in value.items():
            _fill(target.struct_value.fields[key], item, keep_secrets)
