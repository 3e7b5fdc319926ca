"""The one place that reaches into insides of Pulumi's SDK and of gRPC, which may change at any time.

``pyproject.toml`` allows no version newer than those with which this was tried, and tests/test_pulumi_internals.py
says for each of these insides whether it is still there: run it with a newer version before that is allowed.
"""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING, Any

from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider
from pulumi.output import Unknown
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi.runtime.rpc import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "PLUGIN_MODULE",
    "PROVIDER_KEY",
    "UNKNOWN",
    "Unknown",
    "config_texts",
    "engine_address",
    "is_plugin_process",
    "run_plugin",
    "serialize_provider",
]

PLUGIN_MODULE = "pulumi.dynamic.__main__"


def config_texts() -> dict[str, Any]:
    """Return the running program's config by its full keys, secrets in clear: pulumi.Config warns about those."""
    return {**get_config_env(), **CONFIG.get()}


def is_plugin_process() -> bool:
    """Tell whether this process was started as ``python -m pulumi.dynamic``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None and spec.name == PLUGIN_MODULE


def engine_address(argv: list[str]) -> tuple[str, int] | None:
    """Return the engine's host and port, which it passes to a plugin as the last argument; None without them."""
    host, _, port = argv[-1].rpartition(":")
    return (host, int(port)) if host and port.isascii() and port.isdigit() else None


def run_plugin(make_server: Callable[..., Any]) -> None:
    """Run ``python -m pulumi.dynamic`` in this process, with what ``make_server`` returns as its gRPC server.

    The plugin calls ``grpc.server`` once, with positional and keyword arguments, and of the server then
    ``add_generic_rpc_handlers``, ``add_registered_method_handlers``, ``add_insecure_port``, ``start`` and ``stop``.
    """
    import grpc  # noqa: PLC0415 - a program and a preview do without

    vars(grpc)["server"] = make_server
    sys.argv = ["pulumi.dynamic"]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
