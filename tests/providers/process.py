"""The provider plugin as a process, spoken to as an engine does."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from voiceid_optout.providers import provider_reference

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-u", "-m", "pulumi.dynamic"]
TIMEOUT = 600


def environment() -> dict[str, str]:
    return {**os.environ, "PULUMI_PROJECT": "voiceid-optout", "PYTHONPATH": str(ROOT)}


def struct(values: Mapping[str, Any]) -> Struct:
    result = Struct()
    result.update({**values, "__provider": provider_reference()})
    return result


def plain(values: Struct) -> dict[str, Any]:
    return {name: value for name, value in MessageToDict(values).items() if name != "__provider"}


class Plugin:
    """Calls in plain dictionaries."""

    def __init__(self, port: int, channel: grpc.Channel) -> None:
        self.port = port
        self._stub: Any = ResourceProviderStub(channel)

    def configure(self, config: Mapping[str, str]) -> None:
        arguments = Struct()
        arguments.update(config)
        self._stub.Configure(pb.ConfigureRequest(args=arguments))

    def check(self, news: Mapping[str, Any]) -> Any:
        return self._stub.Check(pb.CheckRequest(olds=struct({}), news=struct(news)))

    def diff(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Any:
        return self._stub.Diff(pb.DiffRequest(id="x", olds=struct(olds), news=struct(news)))

    def create(self, props: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        answer = self._stub.Create(pb.CreateRequest(properties=struct(props)))
        return answer.id, plain(answer.properties)

    def update(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        return plain(self._stub.Update(pb.UpdateRequest(id="x", olds=struct(olds), news=struct(news))).properties)

    def read(self, id_: str, props: Mapping[str, Any]) -> Any:
        return self._stub.Read(pb.ReadRequest(id=id_, properties=struct(props)))

    def delete(self, id_: str, props: Mapping[str, Any]) -> None:
        self._stub.Delete(pb.DeleteRequest(id=id_, properties=struct(props)))


def connected(port: int) -> tuple[Plugin, grpc.Channel]:
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    return Plugin(port, channel), channel


@contextmanager
def plugin() -> Iterator[tuple[Plugin, "subprocess.Popen[bytes]"]]:
    """Run a plugin for as long as the block lasts."""
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout
        client, channel = connected(int(process.stdout.readline()))
        try:
            yield client, process
        finally:
            channel.close()
            process.kill()
