"""The parts of the SDK that the engine takes without the rest, and the rest beside them."""

from __future__ import annotations

import subprocess
import sys

import pytest

PARTS = """
import sys
from voiceid_optout import pulumi_parts as parts
print(*sorted({"pulumi", "pulumi.automation", "pulumi.runtime.proto", "grpc"} & set(sys.modules)))
"""
THE_REST = """
import pulumi.dynamic
from pulumi.automation import events
from pulumi.automation.events import OpType
from pulumi.runtime.proto import resource_pb2
import pulumi.runtime.proto.provider_pb2 as provider_pb2
print(events is parts.events, OpType is parts.events.OpType, resource_pb2 is parts.resource_pb2)
print(provider_pb2 is parts.provider_pb2)
"""
BOUND = """
import pulumi.automation
parts.complete()
print(pulumi.automation.events is parts.events, pulumi.runtime.proto.engine_pb2 is parts.engine_pb2)
"""


def printed(code: str) -> list[str]:
    return subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()


def test_they_come_without_the_sdk() -> None:
    assert printed(PARTS) == [""]


def test_the_sdk_takes_them_for_its_own() -> None:
    assert printed(PARTS + THE_REST) == ["", "True True True", "True"]


def test_the_sdk_s_packages_have_them_as_attributes_in_the_end() -> None:
    assert printed(PARTS + BOUND) == ["", "True True"]


def test_where_the_sdk_is_they_are_its_own() -> None:
    assert printed(f"import pulumi\n{PARTS}{THE_REST}")[1:] == ["True True True", "True"]


@pytest.mark.parametrize(
    "module",
    ["voiceid_optout.engine.embedded.engine", "voiceid_optout.cli.preview", "voiceid_optout.cli.up"],
)
def test_the_engine_s_own_process_never_loads_the_sdk(module: str) -> None:
    code = f"import sys, {module}\nprint(*{{'pulumi', 'grpc', 'dill', 'opentelemetry'}} & set(sys.modules))"
    assert printed(code) == [""]
