"""Both ends of the channel, over a real socket pair."""

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

from voiceid_optout.engine.embedded.channel import DONE, ERROR, METHODS, OK, Call, Callee, Caller, RemoteError
from voiceid_optout.state.errors import OutOfScopeError

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

    def answering(self, answer: Callable[[Call], tuple[int, bytes]], count: int) -> threading.Thread:
        """Answer so many calls, the last first."""

        def work() -> None:
            for call in reversed([self.callee.receive() for _ in range(count)]):
                self.callee.answer(call, *answer(call))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    # What ends the receiving thread is the end of the other side.
    made.engine.close()
    assert made.lost.wait(10)
    made.program.close()


def supports(name: str) -> Any:
    return resource_pb2.SupportsFeatureRequest(id=name)


def test_many_calls_at_once_each_get_their_own_answer(ends: Ends) -> None:
    def echo(call: Call) -> tuple[int, bytes]:
        request = resource_pb2.RegisterResourceRequest.FromString(call.body)
        return OK, resource_pb2.RegisterResourceResponse(urn=request.name * 100).SerializeToString()

    ends.answering(echo, 64)
    with ThreadPoolExecutor(64) as pool:
        requests = [resource_pb2.RegisterResourceRequest(name=f"s{number}") for number in range(64)]
        urns = [answer.urn for answer in pool.map(ends.caller.RegisterResource, requests)]
    assert urns == [f"s{number}" * 100 for number in range(64)]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_method_arrives_under_its_name(ends: Ends, method: Any) -> None:
    heard: list[str] = []

    def answer(call: Call) -> tuple[int, bytes]:
        heard.append(METHODS[call.method].name)
        assert isinstance(METHODS[call.method].request.FromString(call.body), method.request)
        return OK, method.response().SerializeToString()

    thread = ends.answering(answer, 1)
    said = {"severity": engine_pb2.INFO} if method.name == "Log" else {}
    assert isinstance(getattr(ends.caller, method.name)(method.request(**said), timeout=3), method.response)
    thread.join()
    assert heard == [method.name]


def test_what_is_for_debugging_stays_in_the_program(ends: Ends) -> None:
    assert ends.caller.Log(engine_pb2.LogRequest(severity=engine_pb2.DEBUG, message="noise")) == empty_pb2.Empty()
    ends.caller.finish(b"{}")
    assert ends.callee.receive().method == DONE


@pytest.mark.parametrize("name", ["Call", "RegisterStackTransform", "StreamInvoke"])
def test_a_method_the_engine_does_not_have(ends: Ends, name: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        getattr(ends.caller, name)(empty_pb2.Empty())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert caught.value.details() == str(OutOfScopeError(name))


def test_attributes_that_are_no_methods(ends: Ends) -> None:
    with pytest.raises(AttributeError):
        ends.caller.__length_hint__  # noqa: B018 - the look-up is what is tested


def test_a_call_that_fails(ends: Ends) -> None:
    ends.answering(lambda _: (ERROR, "café is closed".encode()), 1)
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
    assert ends.lost.wait(10)


def test_a_call_after_the_engine_went_away(ends: Ends) -> None:
    ends.engine.close()
    assert ends.lost.wait(10)
    for _ in range(2):
        with pytest.raises(RemoteError, match="the engine is gone"):
            ends.caller.Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, message="hello"))


def test_the_end_of_the_program(ends: Ends) -> None:
    ends.caller.finish(b'{"error": "x"}')
    call = ends.callee.receive()
    assert (call.method, call.body) == (DONE, b'{"error": "x"}')


def test_the_program_is_gone() -> None:
    ours, theirs = socket.socketpair()
    callee = Callee(Connection(ours.detach()))
    theirs.close()
    with pytest.raises(EOFError):
        callee.receive()
    callee.answer(Call(0, 0, b""), OK, b"")  # nobody hears it, and nobody minds
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
    ends.answering(lambda call: (OK, resource_pb2.SupportsFeatureResponse(hasSupport=len(call.body) > 20_000_000)
                                 .SerializeToString()), 1)  # fmt: skip
    assert ends.caller.SupportsFeature(supports(text)).hasSupport
