"""Modules of Pulumi's SDK that stand alone, loaded without the rest of it.

The SDK's packages import all that there is: gRPC, OpenTelemetry, dill, the Automation API. That takes most of a
short run, and the embedded engine needs nothing of it but the protobuf messages and the classes of its events. They
are loaded under their own names, so that the SDK, where it is loaded later, takes them for its own.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["callback_pb2", "complete", "engine_pb2", "events", "provider_pb2", "resource_pb2"]


def alone(package: str, *names: str) -> list[Any]:
    """Import modules of a package of the SDK, but neither the package nor those above it."""
    top, *parts = package.split(".")
    spec = None if top in sys.modules else find_spec(top)
    if spec is None or spec.submodule_search_locations is None:
        return [import_module(f"{package}.{name}") for name in names]
    stand_ins = [".".join([top, *parts[:count]]) for count in range(len(parts) + 1)]
    for count, name in enumerate(stand_ins):
        stand_in = ModuleType(name)
        stand_in.__path__ = [str(Path(place, *parts[:count])) for place in spec.submodule_search_locations]
        sys.modules[name] = stand_in
    try:
        return [import_module(f"{package}.{name}") for name in names]
    finally:
        for name in stand_ins:
            del sys.modules[name]


def complete() -> None:
    """Let the SDK's packages, loaded since, have what was loaded without them as attributes."""
    for name, module in [*sys.modules.items()]:
        package, _, last = name.rpartition(".")
        if name.startswith("pulumi.") and package in sys.modules and not hasattr(sys.modules[package], last):
            setattr(sys.modules[package], last, module)


if TYPE_CHECKING:
    from pulumi.automation import events
    from pulumi.runtime.proto import callback_pb2, engine_pb2, provider_pb2, resource_pb2
else:
    (events,) = alone("pulumi.automation", "events")
    callback_pb2, engine_pb2, provider_pb2, resource_pb2 = alone(
        "pulumi.runtime.proto", "callback_pb2", "engine_pb2", "provider_pb2", "resource_pb2"
    )
