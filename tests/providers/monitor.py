"""Runs programs against a monitor that records what is registered and answers at once."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.settings import reset_options

TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeaker"
SHARD_TYPE = "pulumi-python:dynamic/voiceid:OptedOutSpeakers"
FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
)


class Monitor:
    """``requests`` are the registrations of our types, ``types`` those of all, ``exports`` the stack's outputs."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.types: list[str] = []
        self.exports: dict[str, Any] = {}

    def names(self) -> list[str]:
        return [request.name for request in self.requests]

    def GetDeploymentInfo(self, _request: Any) -> Any:  # noqa: N802 - the protocol's name
        return resource_pb2.DeploymentInfo(supportedFeatures=FEATURES)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self.types.append(request.type)
        if request.type in (TYPE, SHARD_TYPE):
            self.requests.append(request)
        if request.type.startswith("aws:"):
            request.object.update({"arn": f"arn-of:{request.name}"})
        urn = f"urn:pulumi:test::voiceid-optout::{request.type}::{request.name}"
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"id-{request.name}", object=request.object)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self.exports.update(dict(request.outputs.items()))
        return Empty()

    def SignalAndWaitForShutdown(self, _request: Any) -> Any:  # noqa: N802 - the protocol's name
        return Empty()


class Engine:
    """``messages`` are what a person would see."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def Log(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        if request.severity != engine_pb2.DEBUG:
            self.messages.append(request.message)
        return Empty()


@contextmanager
def _runtime(
    config: Mapping[str, str], secret_keys: tuple[str, ...], more: Mapping[str, str]
) -> Iterator[tuple[Monitor, Engine]]:
    monitor, engine = Monitor(), Engine()
    reset_options()
    configure(
        Settings(
            monitor=monitor,  # an object is used as it is, as the SDK's mocks are
            engine=engine,
            project="voiceid-optout",
            stack="test",
            dry_run=False,
        )
    )
    full = {**more, **{f"voiceid-optout:{key}": value for key, value in config.items()}}
    set_all_config(full, [f"voiceid-optout:{key}" for key in secret_keys])
    try:
        yield monitor, engine
    finally:
        set_all_config({}, [])
        reset_options()


def run_program(
    program: Callable[[], Any],
    config: Mapping[str, str] | None = None,
    secret_keys: tuple[str, ...] = (),
    *,
    more: Mapping[str, str] | None = None,
) -> Monitor:
    """Run a program as the SDK's launcher does; raises what the program raises.

    ``config`` is the project's own, ``more`` that of others, by its full keys.
    """
    with _runtime(config or {}, secret_keys, more or {}) as (monitor, engine):
        asyncio.run(run_in_stack(program))
        assert engine.messages == []
        return monitor
