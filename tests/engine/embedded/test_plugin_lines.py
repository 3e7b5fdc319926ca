"""The lines between engine and plugin, with both ends in this process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer, add_ResourceProviderServicer_to_server

from voiceid_optout.engine.embedded.plugin_lines import COUNT, CallFailedError, Lines
from voiceid_optout.engine.embedded.plugin_process import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


class Provider(ResourceProviderServicer):
    """Answers as the plugin does: with gRPC's own means."""

    def __init__(self) -> None:
        self.at_once = threading.Barrier(COUNT)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - the wire's name
        self.at_once.wait(30)
        return pb.CreateResponse(id=f"id of {request.urn}")

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - the wire's name
        context.abort(grpc.StatusCode.UNKNOWN, f"cannot update {request.id}")

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - the wire's name
        context.set_code(grpc.StatusCode.UNIMPLEMENTED)
        context.set_details("not here")
        raise NotImplementedError("not here")

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - the wire's name
        return "no message"


@pytest.fixture
def lines() -> Iterator[Lines]:
    made = Lines()
    server: Any = Server([Connection(end.detach()) for end in made.theirs])
    add_ResourceProviderServicer_to_server(Provider(), server)
    assert server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield made
    made.close()
    server.stop(None)


def test_calls_run_side_by_side_each_with_its_own_answer(lines: Lines) -> None:
    urns = [f"u{number}" for number in range(COUNT * 3)]
    with ThreadPoolExecutor(len(urns)) as pool:
        found = list(pool.map(lambda urn: lines.call("Create", pb.CreateRequest(urn=urn)).id, urns))
    assert found == [f"id of {urn}" for urn in urns]


@pytest.mark.parametrize(
    ("method", "request_", "words"),
    [
        ("Update", pb.UpdateRequest(id="x"), "cannot update x"),
        ("Diff", pb.DiffRequest(), "not here"),
        ("Delete", pb.DeleteRequest(), "SerializeToString|descriptor"),
    ],
)
def test_a_failure_is_one_of_its_call(lines: Lines, method: str, request_: Any, words: str) -> None:
    for _ in range(COUNT + 1):  # the line serves on
        with pytest.raises(CallFailedError, match=words):
            lines.call(method, request_)


def test_the_other_side_is_gone() -> None:
    lines = Lines()
    lines.hand_over()
    for _ in range(COUNT + 1):
        with pytest.raises((EOFError, OSError)):
            lines.call("Check", pb.CheckRequest())
    lines.close()
