"""Both ends of each connection, over real socket pairs."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

from voiceid_optout.engine.embedded.plugin_process import Server
from voiceid_optout.engine.embedded.program import Caller, RemoteError
from voiceid_optout.engine.embedded.transport import (
    DONE,
    METHODS,
    POOL_SIZE,
    Callee,
    CallFailed,
    ConnectionPool,
    Frame,
)
from voiceid_optout.state import OutOfScope, OutOfScopeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Ends:
    """A program's end and an engine's."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.engine = Connection(ours.detach())
        self.program = Connection(theirs.detach())
        self.lost = threading.Event()
        self.caller = Caller(self.program, self.lost.set)
        self.callee = Callee(self.engine)

    def answering(self, serve: Callable[[int, bytes], bytes], count: int) -> threading.Thread:
        """Answer so many calls, the last first."""

        def work() -> None:
            for call in reversed([self.callee.receive() for _ in range(count)]):
                self.callee.answer(call, serve)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    # What ends the receiving thread is the end of the other side.
    made.engine.close()
    assert made.lost.wait(600)
    made.program.close()


def supports(name: str) -> Any:
    return resource_pb2.SupportsFeatureRequest(id=name)


def test_many_calls_at_once_each_get_their_own_answer(ends: Ends) -> None:
    def echo(_: int, body: bytes) -> bytes:
        request = resource_pb2.RegisterResourceRequest.FromString(body)
        return resource_pb2.RegisterResourceResponse(urn=request.name * 100).SerializeToString()

    ends.answering(echo, 64)
    with ThreadPoolExecutor(64) as pool:
        requests = [resource_pb2.RegisterResourceRequest(name=f"s{number}") for number in range(64)]
        urns = [answer.urn for answer in pool.map(ends.caller.RegisterResource, requests)]
    assert urns == [f"s{number}" * 100 for number in range(64)]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_arrives_under_its_name(ends: Ends, method: Any) -> None:
    heard: list[str] = []

    def serve(number: int, body: bytes) -> bytes:
        heard.append(METHODS[number].name)
        assert isinstance(METHODS[number].request.FromString(body), method.request)
        response: bytes = method.response().SerializeToString()
        return response

    thread = ends.answering(serve, 1)
    said = {"severity": engine_pb2.INFO} if method.name == "Log" else {}
    assert isinstance(getattr(ends.caller, method.name)(method.request(**said), timeout=3), method.response)
    thread.join()
    assert heard == [method.name]


def test_what_is_for_debugging_stays_in_the_program(ends: Ends) -> None:
    assert ends.caller.Log(engine_pb2.LogRequest(severity=engine_pb2.DEBUG, message="noise")) == empty_pb2.Empty()
    ends.caller.finish(b"{}")
    assert ends.callee.receive().kind == DONE


@pytest.mark.parametrize("name", ["ExistsResource", "StreamInvoke"])
def test_a_method_the_engine_does_not_have(ends: Ends, name: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        getattr(ends.caller, name)(empty_pb2.Empty())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert caught.value.details() == str(OutOfScopeError(OutOfScope.CALL, name))


def test_attributes_that_are_no_methods(ends: Ends) -> None:
    with pytest.raises(AttributeError):
        ends.caller.__length_hint__  # noqa: B018 - the look-up is what is tested


def test_a_call_that_fails(ends: Ends) -> None:
    def serve(number: int, body: bytes) -> bytes:
        raise ValueError("café is closed")

    ends.answering(serve, 1)
    with pytest.raises(RemoteError) as caught:
        ends.caller.SupportsFeature(supports("secrets"))
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    assert caught.value.details() == str(caught.value) == "café is closed"


def test_the_engine_goes_away_with_calls_under_way(ends: Ends) -> None:
    with ThreadPoolExecutor(3) as pool:
        pending = [pool.submit(ends.caller.SupportsFeature, supports("secrets")) for _ in range(3)]
        for _ in pending:
            ends.callee.receive()
        ends.engine.close()
        assert {str(item.exception()) for item in pending} == {"the engine is gone"}
    assert ends.lost.wait(600)


def test_a_call_after_the_engine_went_away(ends: Ends) -> None:
    ends.engine.close()
    assert ends.lost.wait(600)
    for _ in range(2):
        with pytest.raises(RemoteError, match="the engine is gone"):
            ends.caller.Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, message="hello"))


def test_the_end_of_the_program(ends: Ends) -> None:
    ends.caller.finish(b'{"error": "x"}')
    call = ends.callee.receive()
    assert (call.kind, call.body) == (DONE, b'{"error": "x"}')


def test_the_program_is_gone() -> None:
    ours, theirs = socket.socketpair()
    callee = Callee(Connection(ours.detach()))
    theirs.close()
    with pytest.raises(EOFError):
        callee.receive()
    callee.answer(Frame(0, 0, b""), lambda *_: b"")  # nobody hears it, and nobody minds
    with pytest.raises(EOFError):
        callee.receive()


def test_the_connection_breaks() -> None:
    ours, theirs = socket.socketpair()
    connection = Connection(ours.detach())
    callee = Callee(connection)
    connection.close()
    with pytest.raises(EOFError):
        callee.receive()
    theirs.close()


def test_a_large_message(ends: Ends) -> None:
    text = "x" * 20_000_000

    def serve(_: int, body: bytes) -> bytes:
        return resource_pb2.SupportsFeatureResponse(hasSupport=len(body) > 20_000_000).SerializeToString()

    ends.answering(serve, 1)
    assert ends.caller.SupportsFeature(supports(text)).hasSupport


class Provider(ResourceProviderServicer):
    """Answers as the plugin does: with gRPC's own means."""

    def __init__(self) -> None:
        self.at_once = threading.Barrier(POOL_SIZE)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        self.at_once.wait(600)
        return pb.CreateResponse(id=f"id of {request.urn}")

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        context.abort(grpc.StatusCode.UNKNOWN, f"cannot update {request.id}")

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        return "no message"


@pytest.fixture
def pool() -> Iterator[ConnectionPool]:
    made = ConnectionPool()
    server: Any = Server([Connection(end.detach()) for end in made.theirs])
    add_ResourceProviderServicer_to_server(Provider(), server)
    assert server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield made
    made.close()
    server.stop(None)


def test_calls_run_side_by_side_each_with_its_own_answer(pool: ConnectionPool) -> None:
    urns = [f"u{number}" for number in range(POOL_SIZE * 3)]
    with ThreadPoolExecutor(len(urns)) as threads:
        found = list(threads.map(lambda urn: pool.call("Create", pb.CreateRequest(urn=urn)).id, urns))
    assert found == [f"id of {urn}" for urn in urns]


@pytest.mark.parametrize(
    ("method", "request_", "words"),
    [
        ("Update", pb.UpdateRequest(id="x"), "cannot update x"),
        ("Diff", pb.DiffRequest(), "Method not implemented!"),  # as the SDK has it for what a provider lacks
        ("Delete", pb.DeleteRequest(), "SerializeToString|descriptor"),
    ],
)
def test_a_failure_is_one_of_its_call(pool: ConnectionPool, method: str, request_: Any, words: str) -> None:
    for _ in range(POOL_SIZE + 1):  # the connection serves on
        with pytest.raises(CallFailed, match=words):
            pool.call(method, request_)


def test_the_other_side_is_gone() -> None:
    pool = ConnectionPool()
    pool.close_theirs()
    for _ in range(POOL_SIZE + 1):
        with pytest.raises((EOFError, OSError)):
            pool.call("Check", pb.CheckRequest())
    pool.close()
